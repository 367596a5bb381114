// Backward checking of DRAT proofs.
//
// Forward, the proof is read and its unit clauses are propagated until a clause is false. Backward, from there to the
// first lemma, each lemma that the derivation uses is taken out and checked: RUP (Goldberg and Novikov, DATE 2003) or
// RAT on its first literal (Heule, Hunt and Wetzler, CADE 2013), with core-first propagation (Wetzler, Heule and Hunt,
// SAT 2014).
//
// Deletions are honoured except for unit clauses and for clauses that force a literal at the time (as drat-trim does
// by default): solvers delete such clauses while they keep the literal.

#pragma once

#include "clauses.hpp"
#include "index.hpp"
#include "parse.hpp"
#include "propagate.hpp"

#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace drat {

struct OutOfTime {};

// A limit on the processor time of this process; none when negative.
class Deadline {
  public:
    explicit Deadline(double seconds) : seconds_(seconds) {}

    // Throws OutOfTime after the limit; looks at the clock at every 32nd call.
    void check();

  private:
    double seconds_;
    std::uint32_t calls_ = 0;
};

struct Verdict {
    bool verified = false;
    std::string reason; // one line with the place, when not verified
    std::uint64_t lemmas = 0, checked = 0, rat = 0;
};

class Checker {
  public:
    explicit Checker(Deadline deadline) : deadline_(deadline) {}

    // Decides whether the proof refutes the formula.
    //   Throws InputError, OutOfTime, std::bad_alloc
    Verdict run(FormulaParser &formula, ProofParser &proof);

  private:
    struct Step {
        Ref clause;
        std::uint32_t number : 31;
        std::uint32_t deletion : 1;
    };

    bool normalise(std::vector<Lit> &literals);
    bool read_formula(FormulaParser &formula, Index &index);
    bool read_proof(ProofParser &proof, Index &index, Verdict &verdict);
    bool add_lemma(std::span<const Lit> literals, Index &index, std::uint32_t number);
    void erase(std::span<const Lit> literals, Index &index, std::uint32_t number);
    bool check_backward(const ProofParser &proof, Verdict &verdict);
    void remove(Ref lemma);
    void cut(std::size_t size);
    void explain(Ref conflict);
    bool is_refuted(Ref clause, Lit except = 0);
    bool is_rat(Lit pivot);
    std::span<const Ref> occurrences(Lit lit);
    std::string describe(Ref lemma) const;

    Deadline deadline_;
    Clauses clauses_;
    Propagator propagator_{clauses_};
    std::vector<Step> steps_;
    std::size_t root_ = 0; // assigned literals without assumptions

    std::vector<bool> marked_;            // by literal, while a clause is normalised
    std::vector<std::uint8_t> explained_; // by variable: its derivation is in the core
    std::vector<Ref> pending_;

    std::vector<Ref> occurring_; // clauses by literal, filled at the first RAT check
    std::vector<std::size_t> occurrence_starts_;
};

} // namespace drat
