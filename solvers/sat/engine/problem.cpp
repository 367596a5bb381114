// The problem: variables, clauses, preferred values.

#include "solver.hpp"

#include <algorithm>
#include <cstdlib>

namespace slotforge {

Solver::Solver(Policies &policies, Proof &proof, std::uint64_t seed)
    : policies_(policies), proof_(proof), random_(seed) {
    view_.seed = seed;
    stamps_.push_back(0);
}

void Solver::reserve(int variables) {
    const auto count = static_cast<std::size_t>(variables);
    if (variables_.size() >= count) return;
    variables_.resize(count);
    values_.resize(2 * count);
    watches_.resize(2 * count);
    marks_.resize(count);
    bumped_at_.resize(count);
    queue_.resize(count);
    trail_.reserve(count);
    view_.variables = static_cast<std::uint32_t>(count);
}

// Gives new variables their place in heap and queue, and their first phase. The first of the file are decided first in
// stable mode and the last in focused mode, as in CaDiCaL. A seed moves each by a few places and turns one phase in a
// hundred.
void Solver::enqueue_new_variables() {
    constexpr double reach = 8;
    constexpr double turned = 0.01;
    const auto count = static_cast<Var>(variables_.size());
    std::vector<std::pair<double, Var>> order;
    for (Var v = queued_; v < count; ++v) {
        const double noise = view_.seed ? reach * random_.uniform() : 0;
        order.emplace_back(static_cast<double>(v) + noise, v);
        phases_.add(view_.seed && random_.chance(turned) ? -1 : 1);
        heap_.add(view_.seed ? noise * 1e-9 : 0);
    }
    std::sort(order.begin(), order.end());
    for (const auto &[key, v] : order) queue_.push_front(v);
    queued_ = count;
}

void Solver::prefer(int number) {
    reserve(std::abs(number));
    enqueue_new_variables();
    const Lit lit = from_dimacs(number);
    phases_.forced[variable_of(lit)] = is_negative(lit) ? -1 : 1;
}

void Solver::add_clause(std::span<const int> literals) {
    backtrack(0);
    clause_.clear();
    for (const int number : literals) {
        reserve(std::abs(number));
        clause_.push_back(from_dimacs(number));
    }
    if (!inconsistent_) add_simplified(clause_);
}

// Drops duplicates and false literals; drops the clause when it holds whatever happens. What differs from the given
// clause is told to the proof.
// Pre: level 0.
void Solver::add_simplified(std::vector<Lit> &clause) {
    const std::vector<Lit> given = proof_ ? clause : std::vector<Lit>{};
    const std::size_t given_size = clause.size();
    bool holds = false;
    std::size_t kept = 0;
    for (const Lit lit : clause) {
        const Var v = variable_of(lit);
        const auto mark = static_cast<std::uint8_t>(1u << (lit & 1u));
        if (value(lit) > 0 || (marks_[v] & (mark ^ 3u))) holds = true;
        if (holds) break;
        if (value(lit) < 0 || (marks_[v] & mark)) continue;
        marks_[v] = mark;
        clause[kept++] = lit;
    }
    for (std::size_t i = 0; i < kept; ++i) marks_[variable_of(clause[i])] = 0;
    if (holds) return proof_.remove(given);
    clause.resize(kept);
    if (kept != given_size) {
        proof_.add(clause);
        proof_.remove(given);
    }
    if (clause.empty())
        inconsistent_ = true;
    else if (clause.size() == 1)
        assign(clause[0], Reason());
    else
        attach(clause, false, 0);
}

// Stores a clause of two or more literals and watches its first two; returns it as the reason of its first.
Reason Solver::attach(std::span<const Lit> clause, bool redundant, std::uint32_t glue) {
    ++(redundant ? view_.redundant : view_.irredundant);
    const Lit first = clause[0], second = clause[1];
    if (clause.size() == 2) {
        watch(first, Watch::binary(second, redundant));
        watch(second, Watch::binary(first, redundant));
        return Reason::binary(second);
    }
    const Ref ref = arena_.add(clause, redundant, glue);
    if (redundant && !young_) young_ = ref;
    watch(first, Watch::clause(second, ref));
    watch(second, Watch::clause(first, ref));
    return Reason::clause(ref);
}

} // namespace slotforge
