// slotforge candidate ed6ca77c215c0ad9: bump_variables, pick_phase, score_clauses, switch_mode
//
// - candidate: ed6ca77c215c0ad9
// - made by:
//   - trial: 67
//   - operator: mutate
//   - parents: 7a70d3cbadd3640f
//   - ratio in the search: 0.6811
// - run:
//   - id: dc256333ec
//   - instances: sgen:20
//   - split: 60 search, 30 select, 60 holdout
//   - strategy: one_plus_one
//   - model: offline
//   - seed: 4
//   - slots: switch_mode, bump_variables, pick_phase, score_clauses
//   - environment:
//     - compiler: g++ (Debian 12.2.0-14+deb12u1) 12.2.0
//     - flags: plugin: -std=c++20 -ffp-contract=off -ftemplate-depth=64 -fmax-errors=5 -Werror=return-type -Werror=uninitialized -Winit-self -O2 -fPIC -shared -nostartfiles -fvisibility=hidden -fno-exceptions -fno-rtti -D_GLIBCXX_ASSERTIONS -fno-gnu-unique -Werror=frame-larger-than=65536 -fno-finite-loops; fused: -std=c++20 -ffp-contract=off -ftemplate-depth=64 -fmax-errors=5 -Werror=return-type -Werror=uninitialized -Winit-self -O3 -DNDEBUG -fno-finite-loops
//     - engine: df6ad8fec2141e97
//     - sandbox_level: 3
//     - machine: x86_64
//     - processor: AMD EPYC
//     - system: Linux-6.18.44-fc-v669-x86_64-with-glibc2.36
// - controls:
//   - best_builtin: score_clauses=Size: ratio 0.846, 95 % interval 0.817 to 0.876
// - verdict 1:
//   - against: e9f6c6ca40700db6
//   - all: better: ratio 0.715, 95 % interval 0.686 to 0.746, p 2e-11, 60 instances, CPU ratio 0.772
//   - checked: 0 models, 120 proofs
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
// Variation of Glucose: extra 0.62.
struct Glucose {
    SLOT_PARAM(extra, 0.62, 0.0, 4.0);

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
// Variation of Noisy: without `seeded_ = true`; `false` after a trail beyond 1.87 of the usual; noise 0.24.
struct Noisy {
    SLOT_PARAM(noise, 0.24, 0.0, 0.5);
    SLOT_PARAM(blocking, 1.87, 1.0, 2.0);

    bool operator()(const View &view, const Phases &phases) {
        if (view.last.trail > blocking * view.trail.slow) return false;
        if (!seeded_) coin_ = Random(view.seed + 1);

        const bool saved = (phases.saved != 0 ? phases.saved : phases.initial) > 0;
        return coin_.chance(noise) ? !saved : saved;
    }

  private:
    Random coin_{};
    bool seeded_ = false;
};

} // namespace heuristics::pick_phase

namespace heuristics::score_clauses {
using namespace slotforge;
using namespace slotforge::slots::score_clauses;

// slot: score_clauses
// Variation of Size: with a loop of Glucose with keep2 0; `share2` while glue is above 0.975 of the usual; hurried
// 0.908.
struct Size {
    SLOT_PARAM(keep, 5, 2, 20);
    SLOT_PARAM(share, 0.5, 0.1, 0.95);
    SLOT_PARAM(keep2, 0, 0, 8);
    SLOT_PARAM(hurried, 0.908, 0.9, 1.6);
    SLOT_PARAM(share2, 0.75, 0.10, 1.00);

    double operator()(const View &view, std::span<const LearnedClause> clauses, std::span<double> worth) {
        for (std::size_t i = 0; i < worth.size(); ++i) {
            const LearnedClause &clause = clauses[i];
            worth[i] = clause.glue <= keep2 ? infinity : clause.activity / (1 + clause.activity) - clause.glue;
        }
        if (view.glue.fast > hurried * view.glue.slow) return share2;
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
