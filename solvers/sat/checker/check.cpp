#include "check.hpp"

#include <algorithm>
#include <ctime>

namespace drat {

void Deadline::check() {
    if (seconds_ < 0 || ++calls_ % 32 != 0) return;
    if (static_cast<double>(std::clock()) > seconds_ * static_cast<double>(CLOCKS_PER_SEC)) throw OutOfTime();
}

Verdict Checker::run(FormulaParser &formula, ProofParser &proof) {
    Verdict verdict;
    {
        Index index(clauses_);
        verdict.verified = read_formula(formula, index);
        if (verdict.verified || !read_proof(proof, index, verdict)) return verdict;
    }
    verdict.verified = check_backward(proof, verdict);
    return verdict;
}

// Drops repeated literals, the first stays first, and makes room for the variables.
//   Post: returns false for a tautology
bool Checker::normalise(std::vector<Lit> &literals) {
    std::size_t kept = 0;
    bool tautology = false;
    for (const Lit lit : literals) {
        if (lit >= marked_.size()) {
            marked_.resize((lit | 1U) + 1);
            explained_.resize(variable(lit) + 1);
            propagator_.grow(variable(lit));
        }
        if (marked_[lit]) continue;
        tautology = tautology || marked_[negated(lit)];
        marked_[lit] = true;
        literals[kept++] = lit;
    }
    literals.resize(kept);
    for (const Lit lit : literals) marked_[lit] = false;
    return !tautology;
}

// Reads and propagates the formula; tautologies are left out.
//   Post: returns true when propagation alone refutes it
bool Checker::read_formula(FormulaParser &formula, Index &index) {
    std::vector<Lit> literals, units;
    while (formula.next(literals)) {
        deadline_.check();
        if (!normalise(literals)) continue;
        if (literals.empty()) return true;
        const Ref clause = clauses_.add(literals);
        index.insert(clause);
        if (literals.size() > 1)
            propagator_.attach(clause);
        else
            units.push_back(clause);
    }
    for (const Ref clause : units) {
        const Lit lit = clauses_.pivot(clause);
        if (propagator_.is_false(lit)) return true;
        if (!propagator_.is_true(lit)) propagator_.assign(lit, clause);
    }
    const bool refuted = propagator_.propagate() != none;
    root_ = propagator_.assigned();
    return refuted;
}

// Reads the proof up to the lemma with which propagation refutes the formula, and puts what refutes it into the core.
//   Post: returns false, with a reason, when there is no such lemma
bool Checker::read_proof(ProofParser &proof, Index &index, Verdict &verdict) {
    Line line;
    while (proof.next(line)) {
        deadline_.check();
        if (!normalise(line.literals)) continue;
        if (line.deletion) {
            erase(line.literals, index, line.number);
            continue;
        }
        ++verdict.lemmas;
        if (line.literals.empty()) {
            verdict.reason = proof.place(line.number) + ": the empty clause does not follow by unit propagation";
            return false;
        }
        if (add_lemma(line.literals, index, line.number)) return true;
    }
    verdict.reason = proof.place(line.number) + ": the proof ends without a conflict";
    return false;
}

// Adds a lemma and propagates when it is unit.
//   Post: returns true when the formula is refuted
bool Checker::add_lemma(std::span<const Lit> literals, Index &index, std::uint32_t number) {
    const Ref lemma = clauses_.add(literals);
    index.insert(lemma);
    steps_.push_back({lemma, number & INT32_MAX, 0});
    const bool unit = literals.size() == 1;
    if (!unit) propagator_.attach(lemma);
    const auto watched = clauses_.literals(lemma);
    Ref conflict = none;
    if (propagator_.is_false(watched[0]))
        conflict = lemma;
    else if (!propagator_.is_true(watched[0]) && (unit || propagator_.is_false(watched[1]))) {
        propagator_.assign(watched[0], lemma);
        conflict = propagator_.propagate();
        root_ = propagator_.assigned();
    }
    if (conflict != none) explain(conflict);
    return conflict != none;
}

// Takes a clause out unless it is a unit, forces a literal, or does not occur.
void Checker::erase(std::span<const Lit> literals, Index &index, std::uint32_t number) {
    if (literals.size() < 2) return;
    const Ref clause = index.extract(literals);
    if (clause == none) return;
    if (propagator_.is_reason(clause)) return index.insert(clause);
    clauses_.deactivate(clause);
    propagator_.detached();
    steps_.push_back({clause, number & INT32_MAX, 1});
}

// Undoes the steps from last to first and checks the lemmas of the core against what stood before them.
//   Post: returns false, with a reason, at the first lemma that is neither RUP nor RAT
bool Checker::check_backward(const ProofParser &proof, Verdict &verdict) {
    for (; !steps_.empty(); steps_.pop_back()) {
        const Step step = steps_.back();
        if (step.deletion != 0) {
            clauses_.activate(step.clause);
            propagator_.attach(step.clause);
            continue;
        }
        remove(step.clause);
        if (!clauses_.core(step.clause)) continue;
        deadline_.check();
        ++verdict.checked;
        if (!is_refuted(step.clause)) {
            ++verdict.rat;
            if (!is_rat(clauses_.pivot(step.clause))) {
                verdict.reason = proof.place(step.number) + ": the lemma " + describe(step.clause) +
                                 " is neither RUP nor RAT on its first literal";
                return false;
            }
        }
        cut(root_);
    }
    return true;
}

// Takes out a lemma, and the literals that it forced: they are the end of the assignment, for propagation had reached
// its fixed point before the lemma was read.
void Checker::remove(Ref lemma) {
    clauses_.deactivate(lemma);
    if (clauses_.literals(lemma).size() > 1) propagator_.detached();
    if (!propagator_.is_reason(lemma)) return;
    const auto literals = clauses_.literals(lemma);
    const Lit forced = propagator_.is_true(literals[0]) ? literals[0] : literals[1];
    root_ = propagator_.position(variable(forced));
    cut(root_);
}

void Checker::cut(std::size_t size) {
    for (const Lit lit : propagator_.trail().subspan(size)) explained_[variable(lit)] = 0;
    propagator_.backtrack(size);
}

// Puts a clause and the derivation of the negation of its literals into the core.
void Checker::explain(Ref conflict) {
    pending_.push_back(conflict);
    while (!pending_.empty()) {
        const Ref clause = pending_.back();
        pending_.pop_back();
        clauses_.mark_core(clause);
        for (const Lit lit : clauses_.literals(clause)) {
            if (explained_[variable(lit)] != 0) continue;
            explained_[variable(lit)] = 1;
            const Ref reason = propagator_.reason(variable(lit));
            if (reason != none) pending_.push_back(reason);
        }
    }
}

// Assumes the negation of a clause's literals, one excepted, and propagates.
//   Post: returns true when that gives a conflict, which is then explained; assumptions stay
bool Checker::is_refuted(Ref clause, Lit except) {
    for (const Lit lit : clauses_.literals(clause)) {
        if (lit == except || propagator_.is_false(lit)) continue;
        if (propagator_.is_true(lit)) {
            const Ref reason = propagator_.reason(variable(lit));
            if (reason != none) explain(reason);
            return true;
        }
        propagator_.assign(negated(lit), none);
    }
    const Ref conflict = propagator_.propagate();
    if (conflict != none) explain(conflict);
    return conflict != none;
}

// Decides whether each resolvent on the pivot with a clause of the core is refuted, under the assumptions of the lemma.
// Clauses outside of the core need no check: the core alone is what has to stay satisfiable with and without the
// lemma. What a check brings into the core is checked in turn.
bool Checker::is_rat(Lit pivot) {
    const auto candidates = occurrences(negated(pivot));
    const std::size_t base = propagator_.assigned();
    std::vector<bool> done(candidates.size());
    for (bool again = true; again;) {
        again = false;
        for (std::size_t i = 0; i < candidates.size(); ++i) {
            if (done[i] || !clauses_.active(candidates[i]) || !clauses_.core(candidates[i])) continue;
            deadline_.check();
            if (!is_refuted(candidates[i], negated(pivot))) return false;
            cut(base);
            done[i] = again = true;
        }
    }
    return true;
}

// The clauses with a literal, active or not; the table is made at the first call.
std::span<const Ref> Checker::occurrences(Lit lit) {
    if (occurrence_starts_.empty()) {
        occurrence_starts_.resize(marked_.size() + 2);
        for (Ref clause = clauses_.first(); clause != clauses_.end(); clause = clauses_.next(clause))
            for (const Lit member : clauses_.literals(clause)) ++occurrence_starts_[member + 2];
        for (std::size_t i = 2; i < occurrence_starts_.size(); ++i) occurrence_starts_[i] += occurrence_starts_[i - 1];
        occurring_.resize(occurrence_starts_.back());
        for (Ref clause = clauses_.first(); clause != clauses_.end(); clause = clauses_.next(clause))
            for (const Lit member : clauses_.literals(clause)) occurring_[occurrence_starts_[member + 1]++] = clause;
    }
    return std::span(occurring_)
        .subspan(occurrence_starts_[lit], occurrence_starts_[lit + 1] - occurrence_starts_[lit]);
}

// Writes a lemma as in the proof but for the order after its first literal; long ones are cut short.
std::string Checker::describe(Ref lemma) const {
    constexpr std::size_t longest = 12;
    std::string text = "'" + std::to_string(to_dimacs(clauses_.pivot(lemma)));
    std::size_t shown = 1;
    for (const Lit lit : clauses_.literals(lemma)) {
        if (lit == clauses_.pivot(lemma)) continue;
        if (++shown > longest) return text + " ...' (" + std::to_string(clauses_.literals(lemma).size()) + " literals)";
        text += " " + std::to_string(to_dimacs(lit));
    }
    return text + " 0'";
}

} // namespace drat
