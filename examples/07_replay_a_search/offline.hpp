// slotforge candidate df5c887da2f5741c: bump_variables, pick_phase, score_clauses, switch_mode
//
// - candidate: df5c887da2f5741c
// - made by:
//   - trial: 66
//   - operator: mutate
//   - parents: 0cf7ba7c9f6c9f24
//   - ratio in the search: 0.6775
// - run:
//   - id: e77b535ab9
//   - instances: sgen:20
//   - split: 60 search, 30 select, 60 holdout
//   - strategy: one_plus_one
//   - model: offline
//   - seed: 4
//   - slots: switch_mode, bump_variables, pick_phase, score_clauses
//   - environment:
//     - compiler: g++ (Debian 12.2.0-14+deb12u1) 12.2.0
//     - flags: plugin: -std=c++20 -ffp-contract=off -ftemplate-depth=64 -fmax-errors=5 -Werror=return-type -Werror=uninitialized -Winit-self -O2 -fPIC -shared -nostartfiles -fvisibility=hidden -fno-exceptions -fno-rtti -D_GLIBCXX_ASSERTIONS -fno-gnu-unique -Werror=frame-larger-than=65536 -fno-finite-loops; fused: -std=c++20 -ffp-contract=off -ftemplate-depth=64 -fmax-errors=5 -Werror=return-type -Werror=uninitialized -Winit-self -O3 -DNDEBUG -fno-finite-loops
//     - engine: 96ffe4c4528381ca
//     - sandbox_level: 3
//     - machine: x86_64
//     - processor: AMD EPYC
//     - system: Linux-6.18.44-fc-v857-x86_64-with-glibc2.36
//     - prompts: ed6d951152a6e2cd
//     - embeddings: none
// - controls:
//   - best_builtin: score_clauses=Size: ratio 0.846, 95 % interval 0.816 to 0.876
//   - start: score_clauses=Size,switch_mode=AlwaysStable,pick_phase=Saved,bump_variables=Glucose: ratio 0.795, 95 % interval 0.761 to 0.833
//   - tuned_baseline: bump_variables, score_clauses, switch_mode: ratio 0.887, 95 % interval 0.847 to 0.931
// - verdict 1:
//   - against: e9f6c6ca40700db6
//   - all: better: ratio 0.697, 95 % interval 0.663 to 0.730, p 1.8e-11, 60 instances, CPU ratio 0.757
//   - checked: 0 models, 120 proofs
//   - notes: 1 earlier run held a winner against these instances, or some of them, before: the more searches are judged on the same instances, the more easily one of them looks better; `slotforge confirm` measures on others
//
// To use it:
//   slotforge solve FORMULA.cnf --heuristics THIS_FILE
//   slotforge.solvers.sat.Solver(heuristics="THIS_FILE") in Python
//   #include it in C++, with -std=c++20 and the include paths solvers/sat and solvers/sat/engine/include of slotforge;
//   the policies are heuristics::SLOT::NAME

#pragma once
#include "slots/bump_variables.hpp"
#include "slots/pick_phase.hpp"
#include "slots/score_clauses.hpp"
#include "slots/switch_mode.hpp"
#include <limits>

namespace heuristics::bump_variables {
using namespace slotforge;
using namespace slotforge::slots::bump_variables;

// slot: bump_variables
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

} // namespace heuristics::bump_variables

namespace heuristics::pick_phase {
using namespace slotforge;
using namespace slotforge::slots::pick_phase;

// slot: pick_phase
// Variation of Saved: `false` within 172 conflicts of a mode switch; without `if (view.glue.fast > hurried *
// view.glue.slow...`; `settling` blended with `noise` of Noisy; `(1 - mix)` blended with `noise` of Noisy; `(noise)`
// times 0.259.
struct Saved {
    SLOT_PARAM(settling, 172, 10, 20000);
    SLOT_PARAM(mix, 0.688, 0.0, 1.0);
    SLOT_PARAM(noise, 0.02, 0.0, 0.5);
    SLOT_PARAM(mix2, 0.233, 0.0, 1.0);
    SLOT_PARAM(scale, 0.259, 0.25, 4.0);

    bool operator()(const View &view, const Phases &phases) {
        if (view.conflicts - view.at.mode_switch <
            (mix * settling + (mix2 * (1 - mix) + (1 - mix2) * noise) * (scale * (noise)))) return false;
        if (view.stable() && phases.best != 0) return phases.best > 0;
        return (phases.saved != 0 ? phases.saved : phases.initial) > 1;
    }
};

} // namespace heuristics::pick_phase

namespace heuristics::score_clauses {
using namespace slotforge;
using namespace slotforge::slots::score_clauses;

// slot: score_clauses
// Variation of Size: keep 2, share 0.692.
struct Size {
    SLOT_PARAM(keep, 2, 2, 20);
    SLOT_PARAM(share, 0.692, 0.1, 0.95);

    double operator()(const View &, std::span<const LearnedClause> clauses, std::span<double> worth) {
        for (std::size_t i = 0; i < worth.size(); ++i)
            worth[i] = clauses[i].size <= keep ? infinity : -1.0 * clauses[i].size;
        return share;
    }
};

} // namespace heuristics::score_clauses

namespace heuristics::switch_mode {
using namespace slotforge;
using namespace slotforge::slots::switch_mode;

// slot: switch_mode
// Stable from the first decision to the last (Kissat: stable=2): scores, rare restarts, target phases.
struct AlwaysStable {
    bool operator()(const View &view) { return !view.stable(); }
};

} // namespace heuristics::switch_mode
