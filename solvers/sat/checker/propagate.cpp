#include "propagate.hpp"

#include <algorithm>
#include <utility>

namespace drat {

void Propagator::grow(std::uint32_t variable) {
    if (variable < reasons_.size()) return;
    const std::size_t count = std::size_t{variable} + 1;
    reasons_.resize(count, none);
    positions_.resize(count, 0);
    values_.resize(2 * count, 0);
    for (auto &lists : watches_) lists.resize(2 * count);
}

bool Propagator::is_reason(Ref clause) const {
    const auto literals = clauses_.literals(clause);
    return std::ranges::any_of(literals.first(std::min<std::size_t>(2, literals.size())),
                               [&](Lit lit) { return is_true(lit) && reasons_[variable(lit)] == clause; });
}

void Propagator::assign(Lit lit, Ref reason) {
    values_[lit] = 1;
    values_[negated(lit)] = -1;
    reasons_[variable(lit)] = reason;
    positions_[variable(lit)] = static_cast<std::uint32_t>(trail_.size());
    trail_.push_back(lit);
}

void Propagator::attach(Ref clause) {
    const auto literals = clauses_.literals(clause);
    constexpr std::uint64_t free = 1ULL << 32U;
    const auto rank_first = [&](Lit lit) {
        const std::uint64_t position = positions_[variable(lit)];
        return is_true(lit) ? 2 * free - position : is_false(lit) ? position : free;
    };
    const auto rank_second = [&](Lit lit) { return is_false(lit) ? positions_[variable(lit)] : free; };
    std::ranges::iter_swap(literals.begin(), std::ranges::max_element(literals, {}, rank_first));
    std::ranges::iter_swap(literals.begin() + 1, std::ranges::max_element(literals.subspan(1), {}, rank_second));
    auto &lists = watches_[clauses_.core(clause)];
    lists[literals[0]].push_back({clause, literals[1]});
    lists[literals[1]].push_back({clause, literals[0]});
    ++attached_;
}

void Propagator::detached() {
    ++detached_;
    if (2 * detached_ > attached_ + 1024) sweep();
}

void Propagator::sweep() {
    for (auto &lists : watches_)
        for (Lit lit = 0; lit < lists.size(); ++lit)
            std::erase_if(lists[lit], [&](const Watch &watch) {
                const auto literals = clauses_.literals(watch.clause);
                return !clauses_.active(watch.clause) || (literals[0] != lit && literals[1] != lit);
            });
    attached_ -= detached_;
    detached_ = 0;
}

// Looks at the watches of a falsified literal from `place` on; outside of the core it stops after a new literal.
//   Post: returns a false clause, or none; place is where to go on
template <bool in_core> Ref Propagator::visit(Lit falsified, std::size_t &place) {
    Watches &watches = watches_[in_core][falsified];
    const auto drop = [&] { watches[place] = watches.back(), watches.pop_back(); };
    while (place < watches.size()) {
        Watch &watch = watches[place];
        if (is_true(watch.blocker)) {
            ++place;
            continue;
        }
        const Ref clause = watch.clause;
        const auto literals = clauses_.literals(clause);
        if (literals[0] == falsified) std::swap(literals[0], literals[1]);
        if (!clauses_.active(clause) || literals[1] != falsified) {
            drop();
            continue;
        }
        const Lit other = literals[0];
        const bool satisfied = is_true(other);
        if (!satisfied) {
            const auto spare =
                std::find_if(literals.begin() + 2, literals.end(), [&](Lit lit) { return !is_false(lit); });
            if (spare != literals.end()) {
                std::swap(literals[1], *spare);
                watches_[clauses_.core(clause)][literals[1]].push_back({clause, other});
                drop();
                continue;
            }
        }
        if (!in_core && clauses_.core(clause)) {
            watches_[1][falsified].push_back({clause, other});
            drop();
        } else {
            watch.blocker = other;
            ++place;
        }
        if (satisfied) continue;
        if (is_false(other)) return clause;
        assign(other, clause);
        if (!in_core) return none;
    }
    return none;
}

Ref Propagator::propagate() {
    for (;;) {
        while (core_head_ < trail_.size()) {
            std::size_t place = 0;
            const Ref conflict = visit<true>(negated(trail_[core_head_]), place);
            if (conflict != none) return conflict;
            ++core_head_;
        }
        if (other_head_ == trail_.size()) return none;
        const Lit falsified = negated(trail_[other_head_]);
        const Ref conflict = visit<false>(falsified, other_place_);
        if (conflict != none) return conflict;
        if (other_place_ < watches_[0][falsified].size()) continue;
        ++other_head_;
        other_place_ = 0;
    }
}

void Propagator::backtrack(std::size_t size) {
    while (trail_.size() > size) {
        values_[trail_.back()] = values_[negated(trail_.back())] = 0;
        trail_.pop_back();
    }
    core_head_ = other_head_ = size;
    other_place_ = 0;
}

} // namespace drat
