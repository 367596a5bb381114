// Bumping: the variables of a conflict are likely to matter for the next ones.

#include "solver.hpp"

#include <algorithm>
#include <cmath>

namespace slotforge {

namespace {
constexpr double max_score = 1e150;
}

void Solver::bump() {
    constexpr std::uint64_t lines_per_variable = 2; // its record, and its place in the order
    constexpr std::uint64_t moves_per_line = 2;
    const Meter meter(view_.ticks, profile_.bump);
    reason_side_from_ = analyzed_.size();
    if (view_.stable()) {
        const View &view = shown();
        bump_reasons(view);
        bump_scores(view);
    } else {
        move_analyzed_to_front();
    }
    view_.ticks += lines_per_variable * analyzed_.size() + heap_.take_moves() / moves_per_line;
}

// Adds the variables in the reasons of the learned clause's literals, as long as they are not too many: beyond the
// limit none is added (Kissat).
void Solver::bump_reasons(const View &view) {
    constexpr double most = 100;
    const double asked = policies_.bump_reason(view);
    const double per_literal = asked > 0 ? std::min(asked, most) : 0; // also for NaN
    profile_.bump_reason.note(per_literal);
    const auto limit = static_cast<std::size_t>(per_literal * static_cast<double>(learned_.size()));
    if (limit == 0) return;
    const std::size_t full = reason_side_from_ + limit;
    const auto add = [this, full](Lit other) {
        const Var v = variable_of(other);
        if ((marks_[v] & analyzed) || variables_[v].level == 0) return true;
        marks_[v] |= analyzed;
        analyzed_.push_back(v);
        return analyzed_.size() <= full;
    };
    for (const Lit lit : learned_) {
        const Reason reason = of(lit).reason;
        if (!reason || all_others(negation(lit), reason, add)) continue;
        for (std::size_t i = reason_side_from_; i < analyzed_.size(); ++i) marks_[analyzed_[i]] = 0;
        analyzed_.resize(reason_side_from_);
        return;
    }
}

// Lets the policy give new scores, and keeps them finite.
void Solver::bump_scores(const View &view) {
    bumped_.resize(analyzed_.size());
    scores_.resize(analyzed_.size());
    for (std::size_t i = 0; i < analyzed_.size(); ++i) {
        const Var v = analyzed_[i];
        const auto [at, position, reason] = variables_[v];
        const bool learned = reason.is_clause() && arena_[reason.ref()].redundant;
        const std::uint32_t glue = learned ? arena_[reason.ref()].glue : 0;
        bumped_[i] = {heap_.score(v), at, glue, bumped_at_[v], i >= reason_side_from_};
        scores_[i] = heap_.score(v);
    }
    policies_.bump_variables(view, increment_, bumped_, scores_);
    profile_.bump_variables.note(static_cast<double>(analyzed_.size()));
    double highest = 0;
    for (std::size_t i = 0; i < analyzed_.size(); ++i) {
        const double asked = std::isnan(scores_[i]) ? bumped_[i].score : scores_[i];
        const double score = std::clamp(asked, 0.0, max_score);
        heap_.set_score(analyzed_[i], score);
        bumped_at_[analyzed_[i]] = view_.conflicts;
        highest = std::max(highest, score);
    }
    const double asked = policies_.decay(view);
    const double factor = asked >= 0.5 ? std::min(asked, 1.0) : 0.5; // also for NaN
    profile_.decay.note(factor);
    increment_ /= factor;
    if (std::max(highest, increment_) >= max_score) {
        heap_.rescale(1 / max_score);
        increment_ = std::max(increment_ / max_score, std::numeric_limits<double>::min());
    }
}

// The queue's way: to the front in the order in which they stand there (Biere and Fröhlich, SAT 2015).
void Solver::move_analyzed_to_front() {
    std::sort(analyzed_.begin(), analyzed_.end(), [this](Var a, Var b) { return queue_.stamp(a) < queue_.stamp(b); });
    for (const Var v : analyzed_) queue_.move_to_front(v, value(literal(v, true)) != 0);
}

} // namespace slotforge
