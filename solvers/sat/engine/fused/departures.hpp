// Departures of a fused build: how a file departs from DIMACS CNF, by the rules of `slotforge solve`
// (solvers/sat/cnf.py). Such a solver stands alone, and a file that was cut off is not to be answered as if it were
// whole.

#pragma once
#include "output.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdlib>
#include <string>
#include <unistd.h>

namespace slotforge {

// Is told of all that a reader comes upon, in order, with its line. Each function but `tell` returns why the file is
// refused for that, or null.
class Departures {
  public:
    // The first character of a comment, the header, a literal, or the mark that ends the file.
    const char *begins(int c, std::size_t line) {
        if ((c == 'c' || c == '%') && line == last_line_) return "a comment or a % stands at the beginning of a line";
        if (c != 'p') return nullptr;
        if (last_line_) return misplaced;
        header_line_ = last_line_ = line;
        return nullptr;
    }

    // The character after the sign of a number, if it has one.
    const char *digit(bool minus, int c) { return minus && c == '0' ? "no number begins with -0" : nullptr; }

    // The numbers of the header, and the line that it ends in.
    const char *header(long variables, long clauses, std::size_t line) {
        variables_ = variables;
        clauses_ = clauses;
        return line == header_line_ ? nullptr : misplaced;
    }

    // A literal, or the 0 that ends a clause.
    const char *literal(long literal, std::size_t line) {
        if (line == header_line_) return misplaced;
        last_line_ = line;
        used_ = std::max(used_, std::labs(literal));
        held_ += literal == 0;
        return nullptr;
    }

    // The end of the file, which is not within a clause.
    const char *ends() {
        if (header_line_ || held_) return nullptr;
        return "neither a header 'p cnf VARIABLES CLAUSES' nor a clause: not a DIMACS CNF file";
    }

    // Warns of what was tolerated, on standard error.
    void tell(const std::string &path) const {
        const std::string place = "warning: " + (path == "-" ? "<stdin>" : path) + ": the header ";
        const auto warn = [&place](const std::string &what) { write_all(STDERR_FILENO, place + what + "\n"); };
        if (!header_line_) return warn("'p cnf VARIABLES CLAUSES' is missing");
        if (used_ > variables_)
            warn("states " + std::to_string(variables_) + " variables, the clauses use " + std::to_string(used_));
        if (held_ != clauses_)
            warn("states " + std::to_string(clauses_) + " clauses, the file holds " + std::to_string(held_));
    }

  private:
    static constexpr const char *misplaced = "the header is one line 'p cnf VARIABLES CLAUSES' before the clauses";

    std::size_t header_line_ = 0; // 0: there is none
    std::size_t last_line_ = 0;   // of the header or the literal before
    long variables_ = 0;          // that the header states
    long clauses_ = 0;
    long used_ = 0;
    long held_ = 0;
};

} // namespace slotforge
