// slotforge candidate ef40175980748e4d: bump_variables, pick_phase, score_clauses, switch_mode
//
// - candidate: ef40175980748e4d
// - made by:
//   - trial: 38
//   - operator: tune
//   - parents: b9680eee102d9c3e
//   - ratio in the search: 0.634
// - run:
//   - id: c42915483f
//   - instances: sgen:20
//   - split: 60 search, 30 select, 60 holdout
//   - strategy: one_plus_one
//   - model: replay:examples/07_replay_a_search/answers.jsonl
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
//   - all: better: ratio 0.637, 95 % interval 0.605 to 0.672, p 2e-11, 60 instances, CPU ratio 0.689
//   - checked: 0 models, 120 proofs
// - verdict 2:
//   - against: e9f6c6ca40700db6
//   - all: better: ratio 0.653, 95 % interval 0.630 to 0.676, p 3.9e-18, 100 instances, CPU ratio 0.702
//   - checked: 0 models, 200 proofs
// - verdict 3:
//   - against: c8f606a50a36d7fc
//   - all: better: ratio 0.720, 95 % interval 0.694 to 0.745, p 7.3e-18, 100 instances, CPU ratio 0.769
//   - checked: 0 models, 200 proofs
// - verdict 4:
//   - against: d6446d2d404ef932
//   - all: better: ratio 0.874, 95 % interval 0.848 to 0.901, p 9e-12, 100 instances, CPU ratio 0.888
//   - checked: 0 models, 200 proofs
// - verdict 5:
//   - against: df5c887da2f5741c
//   - all: better: ratio 0.940, 95 % interval 0.911 to 0.970, p 0.00015, 100 instances, CPU ratio 0.948
//   - checked: 0 models, 200 proofs
// - verdict 6:
//   - against: 4740bfde5793d74e
//   - all: better: ratio 0.927, 95 % interval 0.902 to 0.951, p 4e-07, 100 instances, CPU ratio 0.953
//   - checked: 0 models, 200 proofs
// - verdict 7:
//   - against: e9f6c6ca40700db6
//   - all: better: ratio 0.667, 95 % interval 0.623 to 0.716, p 3.6e-12, 40 instances, CPU ratio 0.699
//   - checked: 0 models, 80 proofs
// - verdict 8:
//   - against: c8f606a50a36d7fc
//   - all: better: ratio 0.722, 95 % interval 0.686 to 0.760, p 3.6e-12, 40 instances, CPU ratio 0.735
//   - checked: 0 models, 80 proofs
// - verdict 9:
//   - against: d6446d2d404ef932
//   - all: better: ratio 0.836, 95 % interval 0.786 to 0.882, p 1.2e-08, 40 instances, CPU ratio 0.849
//   - checked: 0 models, 80 proofs
// - verdict 10:
//   - against: df5c887da2f5741c
//   - all: no difference: ratio 0.932, 95 % interval 0.891 to 0.978, p 0.0041, 40 instances, CPU ratio 0.990
//   - checked: 0 models, 80 proofs
//   - notes: costs less, but CPU seconds do not show it
// - verdict 11:
//   - against: 4740bfde5793d74e
//   - all: no difference: ratio 0.952, 95 % interval 0.905 to 0.999, p 0.084, 40 instances, CPU ratio 0.966
//   - checked: 0 models, 80 proofs
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
// False in the upper half of the usual conflict level, the saved phase below it.
struct FalseUpperHalf {
    SLOT_PARAM(share, 0.5, 0.0, 2.0);

    bool operator()(const View &view, const Phases &phases) {
        if (static_cast<double>(view.level) < share * view.level_at_conflict.slow) return false;
        return phases.saved > 0;
    }
};

} // namespace heuristics::pick_phase

namespace heuristics::score_clauses {
using namespace slotforge;
using namespace slotforge::slots::score_clauses;

// slot: score_clauses
// Bits of activity and of recent uses, less a share of the literals; four fifths go.
struct Forecast {
    SLOT_PARAM(now, 0.04648, 0.0, 4.0);
    SLOT_PARAM(literal, 0.3, 0.0, 1.5);
    SLOT_PARAM(small, 0.4, 0.1, 1.0);
    SLOT_PARAM(share, 0.8, 0.1, 0.98);

    double operator()(const View &view, std::span<const LearnedClause> clauses, std::span<double> worth) {
        double most = 1e-300;
        for (const LearnedClause &c : clauses) most = std::max(most, c.activity);
        const double least = std::max(3.0, small * view.size.slow);
        for (std::size_t i = 0; i < worth.size(); ++i) {
            const LearnedClause &c = clauses[i];
            const double bits = std::log2(c.activity / most + 1e-3) + now * std::log2(1.0 + c.used) - literal * c.size;
            worth[i] = c.size <= least ? infinity : bits;
        }
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
