// Reduction: learned clauses that are not worth their watches are forgotten.

#include "solver.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>

namespace slotforge {

void Solver::reduce() {
    due_.reduce = false;
    const Meter meter(view_.ticks, profile_.reduce);
    gather_candidates();
    worth_.assign(candidates_.size(), 0);
    forget(policies_.score_clauses(shown(), features_, worth_));
    for (const Ref ref : candidates_) {
        Usage &usage = arena_[ref].usage();
        usage.used = 0;
        ++usage.idle;
    }
    collect_garbage();
    ++view_.reductions;
    view_.at.reduction = view_.conflicts;
}

// The learned clauses but those that are reasons, as the policy sees them.
void Solver::gather_candidates() {
    candidates_.clear();
    features_.clear();
    for (const Lit lit : trail_)
        if (const Reason reason = of(lit).reason; reason.is_clause()) arena_[reason.ref()].reason = 1;
    for (Ref ref = young_ ? young_ : arena_.end(); ref != arena_.end(); ref = arena_.next(ref)) {
        Clause &clause = arena_[ref];
        if (!clause.redundant || clause.reason) continue;
        const auto [born, used, idle, activity] = clause.usage();
        const std::uint32_t age = static_cast<std::uint32_t>(view_.conflicts) - born;
        candidates_.push_back(ref);
        features_.push_back({clause.glue, clause.size, used, idle, age, activity / clause_increment_});
    }
    for (const Lit lit : trail_)
        if (const Reason reason = of(lit).reason; reason.is_clause()) arena_[reason.ref()].reason = 0;
}

// Marks the given fraction of the candidates of finite worth as garbage, those of least worth, and of equal worth the
// oldest.
void Solver::forget(double fraction) {
    std::vector<std::uint32_t> order;
    for (std::uint32_t i = 0; i < candidates_.size(); ++i) {
        if (std::isnan(worth_[i])) worth_[i] = 0;
        if (worth_[i] < std::numeric_limits<double>::infinity()) order.push_back(i);
    }
    const double share = fraction > 0 ? std::min(fraction, 1.0) : 0; // also for NaN
    profile_.score_clauses.note(share);
    const auto count = static_cast<std::ptrdiff_t>(share * static_cast<double>(order.size()));
    const auto before = [this](std::uint32_t a, std::uint32_t b) {
        return worth_[a] < worth_[b] || (worth_[a] == worth_[b] && a < b);
    };
    std::nth_element(order.begin(), order.begin() + count, order.end(), before);
    for (auto i = order.begin(); i != order.begin() + count; ++i) {
        Clause &clause = arena_[candidates_[*i]];
        clause.garbage = 1;
        proof_.remove(clause.literals());
        --view_.redundant;
    }
}

} // namespace slotforge
