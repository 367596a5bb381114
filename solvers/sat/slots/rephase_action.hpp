// rephase_action: where do the saved phases come from when they are changed?
//
// Called when rephase_due said so.
//   Pre:  view.rephases counts the changes before this one
//   Post: the engine draws a source for every variable by the weights of the result (negative counts as zero, all zero
//         keeps everything), then forgets the target and the best phases

#pragma once
#include "slotforge/slot.hpp"

namespace slotforge::slots::rephase_action {

// Weights of the sources of a variable's phase.
struct PhaseMix {
    double keep = 0;     // the saved phase
    double best = 0;     // the phase in the longest trail without conflict since the last change
    double worst = 0;    // the opposite of best
    double original = 0; // the initial phase
    double inverted = 0; // the opposite of the initial phase
    double flipped = 0;  // the opposite of the saved phase
    double random = 0;   // a coin
};

using Signature = PhaseMix(const View &);

// CaDiCaL's order without local search: original and inverted once, then best, flipped, best, original, best, inverted
// in turn (Biere and Fleury, SAT competition 2020). Returning to the best trail intensifies, the rest diversifies.
struct RephaseAction {
    PhaseMix operator()(const View &view) {
        if (view.rephases == 0) return {.original = 1};
        if (view.rephases == 1) return {.inverted = 1};
        switch ((view.rephases - 2) % 6) {
        case 1:
            return {.flipped = 1};
        case 3:
            return {.original = 1};
        case 5:
            return {.inverted = 1};
        default:
            return {.best = 1};
        }
    }
};

// Kissat's order without local search: best, inverted, best, original in turn.
struct Kissat {
    PhaseMix operator()(const View &view) {
        switch (view.rephases % 4) {
        case 1:
            return {.inverted = 1};
        case 3:
            return {.original = 1};
        default:
            return {.best = 1};
        }
    }
};

// EasySAT's mix, variable by variable: 60 % best, 5 % its opposite, 20 % random, 15 % kept.
struct EasySat {
    SLOT_PARAM(best, 0.60, 0.0, 1.0);
    SLOT_PARAM(worst, 0.05, 0.0, 1.0);
    SLOT_PARAM(random, 0.20, 0.0, 1.0);
    SLOT_PARAM(keep, 0.15, 0.0, 1.0);

    PhaseMix operator()(const View &) { return {.keep = keep, .best = best, .worst = worst, .random = random}; }
};

// Back to the best trail every time: intensification alone.
struct Best {
    PhaseMix operator()(const View &) { return {.best = 1}; }
};

// A coin for a share of the variables, the rest kept: diversification alone.
struct Shake {
    SLOT_PARAM(share, 0.10, 0.0, 1.0);

    PhaseMix operator()(const View &) { return {.keep = 1 - share, .random = share}; }
};

// A bandit chooses among best, original, inverted and flipped: UCB1 (Auer, Cesa-Bianchi and Fischer 2002), where the
// reward of a choice is how low recent glue was against its long average when the next change is due.
struct Bandit {
    SLOT_PARAM(explore, 0.3, 0.0, 2.0);

    PhaseMix operator()(const View &view) {
        if (pulls_ > 0) learn(view);
        arm_ = choose();
        pulls_ += 1;
        switch (arm_) {
        case 1:
            return {.original = 1};
        case 2:
            return {.inverted = 1};
        case 3:
            return {.flipped = 1};
        default:
            return {.best = 1};
        }
    }

  private:
    void learn(const View &view) {
        const double both = view.glue.slow + view.glue.fast;
        const double reward = both > 0 ? view.glue.slow / both : 0.5;
        tried_[arm_] += 1;
        mean_[arm_] += (reward - mean_[arm_]) / tried_[arm_];
    }
    std::size_t choose() const {
        std::size_t chosen = 0;
        double highest = -1;
        for (std::size_t arm = 0; arm < mean_.size(); ++arm) {
            if (tried_[arm] < 1) return arm;
            const double bound = mean_[arm] + explore * std::sqrt(std::log(pulls_) / tried_[arm]);
            if (bound <= highest) continue;
            highest = bound;
            chosen = arm;
        }
        return chosen;
    }

    std::array<double, 4> mean_{};
    std::array<double, 4> tried_{};
    double pulls_ = 0;
    std::size_t arm_ = 0;
};

inline constexpr auto builtins = variants<Signature, RephaseAction, Kissat, EasySat, Best, Shake, Bandit>(
    "rephase_action", {"RephaseAction", "Kissat", "EasySat", "Best", "Shake", "Bandit"});

} // namespace slotforge::slots::rephase_action
