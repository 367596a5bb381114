// Reads formulas (DIMACS CNF) and proofs (DRAT, text or binary) clause by clause.

#pragma once

#include "clauses.hpp"
#include "reader.hpp"

#include <string>
#include <vector>

namespace drat {

// Reads the clauses of a formula as competition solvers do: comment lines anywhere, header missing or with other
// counts, clauses over several lines, empty clauses; a '%' at the start of a line ends the file (SATLIB).
class FormulaParser {
  public:
    explicit FormulaParser(const std::string &path) : reader_(path) {}

    // Reads the next clause as written.
    //   Post: returns false at the end of the file
    bool next(std::vector<Lit> &literals);

  private:
    void header();

    Reader reader_;
    bool header_seen_ = false, clause_seen_ = false;
};

enum class Format { automatic, text, binary };

struct Line {
    bool deletion = false;
    std::uint32_t number = 0; // line of a text proof, or ordinal of the step in a binary one, from 1
    std::vector<Lit> literals;
};

// Reads the steps of a proof. A proof is taken as binary when it starts with 'a', with which no text starts, or with
// 'd' and a zero byte, which ends each binary step and never stands in a text, occurs in its first 64 KiB.
class ProofParser {
  public:
    ProofParser(const std::string &path, Format format);

    // Reads the next step as written.
    //   Post: returns false at the end of the proof
    bool next(Line &line) { return binary_ ? next_binary(line) : next_text(line); }

    // Names a step of the proof for a person.
    std::string place(std::uint32_t number) const {
        return binary_ ? reader_.name() + ": step " + std::to_string(number)
                       : reader_.name() + ":" + std::to_string(number);
    }

  private:
    bool next_text(Line &line);
    bool next_binary(Line &line);
    Lit binary_literal();

    Reader reader_;
    bool binary_ = false;
    std::uint32_t steps_ = 0;
};

} // namespace drat
