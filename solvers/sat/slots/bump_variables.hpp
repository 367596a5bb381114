// bump_variables: what are the variables of a conflict worth to the next decisions?
//
// Called once per conflict in stable mode, over the variables that its analysis met. The variable of the highest score
// is decided first.
//   Pre:  scores.size() == bumped.size(); scores[i] == bumped[i].score; increment > 0 grows as `decay` says
//   Post: scores[i] is the new score of variable i, taken by the engine as finite and in [0, 1e150]; when a score or
//         the increment grows out of range the engine scales all of them down, which keeps their order

#pragma once
#include "slotforge/slot.hpp"

namespace slotforge::slots::bump_variables {

// A variable of the conflict, as it stood before.
struct Bumped {
    double score = 0;
    std::uint32_t level = 0;       // decision level at which it is assigned
    std::uint32_t reason_glue = 0; // glue of its reason; 0 for a decision or a clause of the formula
    std::uint64_t last = 0;        // value of `conflicts` when it was last bumped; 0 for never
    bool reason_side = false;      // not in the learned clause's derivation, only in a reason of its literals
};

using Signature = void(const View &, double increment, std::span<const Bumped>, std::span<double> scores);

// EVSIDS: exponentially smoothed counts of conflicts (Een and Sorensson, SAT 2003; Biere and Frohlich, SAT 2015).
// A variable gains the increment, which grows with every conflict, so that recent conflicts weigh more. Variables of
// the reason side gain the share `side` of it (Kissat and CaDiCaL: 1).
struct BumpVariables {
    SLOT_PARAM(side, 1.0, 0.0, 1.0);

    void operator()(const View &, double increment, std::span<const Bumped> bumped, std::span<double> scores) {
        for (std::size_t i = 0; i < scores.size(); ++i)
            scores[i] += bumped[i].reason_side ? side * increment : increment;
    }
};

// Glucose's extra bump: a variable of the conflict's level whose reason has lower glue than the learned clause counts
// twice (Audemard and Simon, IJCAI 2009), for it took part in a better derivation.
struct Glucose {
    SLOT_PARAM(extra, 1.0, 0.0, 4.0);

    void operator()(const View &view, double increment, std::span<const Bumped> bumped, std::span<double> scores) {
        for (std::size_t i = 0; i < scores.size(); ++i) {
            const Bumped &variable = bumped[i];
            scores[i] += increment;
            if (variable.level == view.last.level && variable.reason_glue > 0 && variable.reason_glue < view.last.glue)
                scores[i] += extra * increment;
        }
    }
};

// EasySAT's two steps: half an increment for every variable met, one more for those assigned at most one level below
// the level that is jumped back to.
struct EasySat {
    SLOT_PARAM(met, 0.5, 0.0, 2.0);
    SLOT_PARAM(near, 1.0, 0.0, 4.0);

    void operator()(const View &view, double increment, std::span<const Bumped> bumped, std::span<double> scores) {
        for (std::size_t i = 0; i < scores.size(); ++i)
            scores[i] += bumped[i].level + 1 >= view.last.jump ? (met + near) * increment : met * increment;
    }
};

// ACIDS: the average of the old score and the index of the conflict (Biere and Frohlich, SAT 2015). Does not use the
// increment: best with decay NoDecay.
struct Acids {
    SLOT_PARAM(weight, 0.5, 0.1, 0.95);

    void operator()(const View &view, double, std::span<const Bumped>, std::span<double> scores) {
        const double now = static_cast<double>(view.conflicts);
        for (double &score : scores) score += weight * (now - score);
    }
};

// VMTF as scores: the variables of the last conflict come first, among themselves in their old order (Ryan 2004;
// Biere and Frohlich, SAT 2015). Does not use the increment: best with decay NoDecay.
struct Vmtf {
    void operator()(const View &view, double, std::span<const Bumped>, std::span<double> scores) {
        const double now = static_cast<double>(view.conflicts);
        for (double &score : scores) score = now + std::min(0.999, score / (now + 1.0));
    }
};

// CHB, conflict history: a recency-weighted average of rewards 1 / (conflicts since the last one + 1), with a step that
// falls from 0.4 to 0.06 by 1e-6 a conflict (Liang, Ganesh, Poupart and Czarnecki, AAAI 2016). Does not use the
// increment: best with decay NoDecay.
struct Chb {
    SLOT_PARAM(step_first, 0.4, 0.1, 0.8);
    SLOT_PARAM(step_last, 0.06, 0.01, 0.1);
    SLOT_PARAM(fall, 1e-6, 1e-7, 1e-4);

    void operator()(const View &view, double, std::span<const Bumped> bumped, std::span<double> scores) {
        const double now = static_cast<double>(view.conflicts);
        const double step = std::max<double>(step_last, step_first - fall * now);
        for (std::size_t i = 0; i < scores.size(); ++i) {
            const double since = std::max(0.0, now - static_cast<double>(bumped[i].last));
            scores[i] += step * (1.0 / (since + 1.0) - scores[i]);
        }
    }
};

// Plain counts, as many as conflicts met: what Chaff counts between its halvings (Moskewicz et al., DAC 2001). A
// control.
struct Count {
    void operator()(const View &, double, std::span<const Bumped>, std::span<double> scores) {
        for (double &score : scores) score += 1.0;
    }
};

inline constexpr auto builtins = variants<Signature, BumpVariables, Glucose, EasySat, Acids, Vmtf, Chb, Count>(
    "bump_variables", {"BumpVariables", "Glucose", "EasySat", "Acids", "Vmtf", "Chb", "Count"});

} // namespace slotforge::slots::bump_variables
