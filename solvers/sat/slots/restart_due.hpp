// restart_due: is it time to give up the current trail?
//
// Called once per conflict, after the averages have taken it in.
//   Pre:  view.conflicts >= 1
//   Post: true makes the engine call restart_action before its next decision

#pragma once
#include "slotforge/slot.hpp"

namespace slotforge::slots::restart_due {

using Signature = bool(const View &);

// Fast against slow average of glue in focused mode (Audemard and Simon, CP 2012; averages as Biere and Frohlich, POS
// 2015; margin 1.25 as Glucose's K of 0.8, where Kissat has 1.10; gap 2 of CaDiCaL), Luby's sequence in stable mode
// (reluctant doubling, period 1024). A learned clause of low glue links few decision levels; when recent clauses are
// worse than usual, the solver is in a bad part of the space and starts again from the top with what it has learned.
struct RestartDue {
    SLOT_PARAM(margin, 1.25, 0.80, 1.40);
    SLOT_PARAM(interval, 2, 1, 64);
    SLOT_PARAM(stable_unit, 1024, 32, 4096);

    bool operator()(const View &view) {
        const double since = static_cast<double>(view.conflicts - view.at.restart);
        if (view.stable()) {
            if (since < stable_unit * static_cast<double>(luby(turn_))) return false;
            ++turn_;
            return true;
        }
        return since >= interval && view.glue.fast > margin * view.glue.slow;
    }

  private:
    std::uint64_t turn_ = 1;
};

// Luby's universal sequence in both modes (Luby, Sinclair and Zuckerman, IPL 1993; MiniSat: unit 100).
struct Luby {
    SLOT_PARAM(unit, 100, 16, 1024);

    bool operator()(const View &view) {
        if (static_cast<double>(view.conflicts - view.at.restart) < unit * static_cast<double>(luby(turn_)))
            return false;
        ++turn_;
        return true;
    }

  private:
    std::uint64_t turn_ = 1;
};

// Geometric: every run is longer than the one before by a factor (MiniSat 1: 100 and 1.5; Walsh, IJCAI 1999).
struct Geometric {
    SLOT_PARAM(first, 100, 16, 1000);
    SLOT_PARAM(factor, 1.5, 1.01, 2.0);

    bool operator()(const View &view) {
        if (static_cast<double>(view.conflicts - view.at.restart) < first * growth_) return false;
        growth_ = std::min(1e9, growth_ * factor);
        return true;
    }

  private:
    double growth_ = 1;
};

// Inner and outer geometric: the inner run grows until it passes the outer one, which then grows while the inner starts
// again (PicoSAT: 100 and 1.1; Biere, JSAT 2008).
struct InnerOuter {
    SLOT_PARAM(first, 100, 16, 1000);
    SLOT_PARAM(factor, 1.1, 1.01, 2.0);

    bool operator()(const View &view) {
        if (static_cast<double>(view.conflicts - view.at.restart) < first * inner_) return false;
        if (inner_ >= outer_) {
            outer_ = std::min(1e9, outer_ * factor);
            inner_ = 1;
        } else {
            inner_ *= factor;
        }
        return true;
    }

  private:
    double inner_ = 1;
    double outer_ = 1;
};

// Glucose: the mean glue of the last 50 conflicts times 0.8 is above the mean of all; a trail 1.4 times longer than the
// mean of the last 5000, after 10,000 conflicts, blocks it, for the solver may be near a model (Audemard and Simon, CP
// 2012).
struct Glucose {
    SLOT_PARAM(factor, 0.8, 0.5, 1.0);
    SLOT_PARAM(block, 1.4, 1.0, 3.0);
    SLOT_PARAM(block_after, 10000, 0, 100000);

    bool operator()(const View &view) {
        const double glue = static_cast<double>(view.last.glue);
        const double trail = static_cast<double>(view.last.trail);
        seen_ += 1;
        all_ += glue;
        trail_ += (trail - trail_) / std::min(5000.0, seen_);
        if (seen_ > block_after && held_ == recent_.size() && trail > block * trail_) clear();
        push(glue);
        if (held_ < recent_.size() || factor * sum_ / static_cast<double>(held_) <= all_ / seen_) return false;
        clear();
        return true;
    }

  private:
    void push(double glue) {
        sum_ += glue - recent_[next_];
        recent_[next_] = glue;
        next_ = (next_ + 1) % recent_.size();
        held_ = std::min(held_ + 1, recent_.size());
    }
    void clear() {
        recent_.fill(0);
        held_ = 0;
        next_ = 0;
        sum_ = 0;
    }

    std::array<double, 50> recent_{};
    std::size_t held_ = 0;
    std::size_t next_ = 0;
    double sum_ = 0;
    double all_ = 0;
    double seen_ = 0;
    double trail_ = 0;
};

// EasySAT: as Glucose without blocking, and a glue above 50 counts as 50 in the mean of all.
struct EasySat {
    SLOT_PARAM(factor, 0.8, 0.5, 1.0);
    SLOT_PARAM(window, 50, 5, 500);
    SLOT_PARAM(clip, 50, 5, 500);

    bool operator()(const View &view) {
        const double glue = static_cast<double>(view.last.glue);
        seen_ += 1;
        all_ += std::min<double>(glue, clip);
        if (held_ < window) held_ += 1;
        mean_ += (glue - mean_) / held_;
        if (held_ < window || factor * mean_ <= all_ / seen_) return false;
        held_ = 0;
        mean_ = 0;
        return true;
    }

  private:
    double held_ = 0;
    double mean_ = 0;
    double seen_ = 0;
    double all_ = 0;
};

// Machine learning based restarts: a linear regression, trained by Adam as the search goes, predicts the next glue from
// the last three and their products; restart when it is beyond the 99.9th percentile of a normal distribution, 3.08
// standard deviations above the mean (Liang, Oh, Mathew, Thomas, Li and Ganesh, SAT 2018).
struct MachineLearned {
    SLOT_PARAM(deviations, 3.08, 1.0, 5.0);
    SLOT_PARAM(rate, 0.001, 0.0001, 0.01);
    SLOT_PARAM(interval, 50, 1, 500);

    bool operator()(const View &view) {
        const double glue = static_cast<double>(view.last.glue);
        seen_ += 1;
        const double off = glue - mean_;
        mean_ += off / seen_;
        squares_ += off * (glue - mean_);
        if (seen_ > 3) train(glue - predicted());
        features_ = {1.0,
                     glue,
                     features_[1],
                     features_[2],
                     glue * features_[1],
                     glue * features_[2],
                     features_[1] * features_[2]};
        if (seen_ <= 3 || static_cast<double>(view.conflicts - view.at.restart) < interval) return false;
        return predicted() > mean_ + deviations * std::sqrt(squares_ / (seen_ - 1));
    }

  private:
    double predicted() const {
        double sum = 0;
        for (std::size_t i = 0; i < features_.size(); ++i) sum += weights_[i] * features_[i];
        return sum;
    }
    void train(double error) {
        steps_ += 1;
        const double first_correction = 1 - std::pow(0.9, steps_);
        const double second_correction = 1 - std::pow(0.999, steps_);
        for (std::size_t i = 0; i < features_.size(); ++i) {
            const double gradient = -error * features_[i];
            first_[i] += 0.1 * (gradient - first_[i]);
            second_[i] += 0.001 * (gradient * gradient - second_[i]);
            weights_[i] -= rate * (first_[i] / first_correction) / (std::sqrt(second_[i] / second_correction) + 1e-8);
        }
    }

    std::array<double, 7> features_{};
    std::array<double, 7> weights_{};
    std::array<double, 7> first_{};
    std::array<double, 7> second_{};
    double seen_ = 0;
    double mean_ = 0;
    double squares_ = 0;
    double steps_ = 0;
};

// A fixed number of conflicts, as Siege (16,000) and zChaff (700) had it.
struct Fixed {
    SLOT_PARAM(interval, 700, 16, 16000);

    bool operator()(const View &view) { return static_cast<double>(view.conflicts - view.at.restart) >= interval; }
};

// No restart at all. A control.
struct Never {
    bool operator()(const View &) { return false; }
};

inline constexpr auto builtins =
    variants<Signature, RestartDue, Luby, Geometric, InnerOuter, Glucose, EasySat, MachineLearned, Fixed, Never>(
        "restart_due",
        {"RestartDue", "Luby", "Geometric", "InnerOuter", "Glucose", "EasySat", "MachineLearned", "Fixed", "Never"});

} // namespace slotforge::slots::restart_due
