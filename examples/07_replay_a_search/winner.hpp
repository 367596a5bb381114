// slotforge candidate e95ab9f387e84945: bump_variables, pick_phase, score_clauses, switch_mode
//
// - candidate: e95ab9f387e84945
// - made by:
//   - trial: 58
//   - operator: mutate
//   - parents: 1dc69364c486052e
//   - ratio in the search: 0.6283
// - run:
//   - id: 01ebf0d244
//   - instances: sgen:20
//   - split: 60 search, 30 select, 60 holdout
//   - strategy: one_plus_one
//   - model: openai:mailbox
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
//   - all: better: ratio 0.665, 95 % interval 0.637 to 0.693, p 1.6e-11, 60 instances, CPU ratio 0.729
//   - checked: 0 models, 120 proofs
// - verdict 2:
//   - against: ed6ca77c215c0ad9
//   - all: better: ratio 0.909, 95 % interval 0.873 to 0.947, p 5.6e-05, 100 instances, CPU ratio 0.943
//   - checked: 0 models, 200 proofs
// - verdict 3:
//   - against: aa688b7287718dec
//   - all: better: ratio 0.849, 95 % interval 0.818 to 0.881, p 6.9e-12, 100 instances, CPU ratio 0.875
//   - checked: 0 models, 200 proofs
// - verdict 4:
//   - against: e9f6c6ca40700db6
//   - all: better: ratio 0.646, 95 % interval 0.624 to 0.669, p 4.7e-18, 100 instances, CPU ratio 0.712
//   - checked: 0 models, 200 proofs
// - verdict 5:
//   - against: ed6ca77c215c0ad9
//   - all: better: ratio 0.800, 95 % interval 0.754 to 0.848, p 7.8e-09, 40 instances, CPU ratio 0.837
//   - checked: 0 models, 80 proofs
// - verdict 6:
//   - against: aa688b7287718dec
//   - all: better: ratio 0.843, 95 % interval 0.790 to 0.899, p 4.2e-06, 40 instances, CPU ratio 0.874
//   - checked: 0 models, 80 proofs
// - verdict 7:
//   - against: e9f6c6ca40700db6
//   - all: better: ratio 0.642, 95 % interval 0.602 to 0.684, p 1.8e-12, 40 instances, CPU ratio 0.695
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
// Glucose's extra; below the conflict's level the gain grows as the glue of the clause is low.
struct ByGlueOfClause {
    SLOT_PARAM(extra, 1.0, 0.0, 4.0);
    SLOT_PARAM(power, 0.5, 0.0, 3.0);

    void operator()(const View &view, double increment, std::span<const Bumped> bumped, std::span<double> scores) {
        const double ratio = view.glue.slow / std::max(1.0, static_cast<double>(view.last.glue));
        const double below = std::clamp(std::pow(ratio, double(power)), 0.5, 2.5);
        for (std::size_t i = 0; i < scores.size(); ++i) {
            const Bumped &b = bumped[i];
            const bool own = b.level == view.last.level;
            const bool near = own && b.reason_glue > 0 && b.reason_glue < view.last.glue;
            scores[i] += increment * (own ? (near ? 1.0 + extra : 1.0) : below);
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
// What lies some bits below the mean of the worths goes, within bounds on the share.
struct BelowMeanBits {
    SLOT_PARAM(now, 0.2, 0.0, 4.0);
    SLOT_PARAM(literal, 0.3, 0.0, 1.5);
    SLOT_PARAM(above, 1.2, -4.0, 6.0);
    SLOT_PARAM(small, 0.4, 0.1, 1.0);

    double operator()(const View &view, std::span<const LearnedClause> clauses, std::span<double> worth) {
        double most = 1e-300;
        for (const LearnedClause &c : clauses) most = std::max(most, c.activity);
        const double least = std::max(3.0, small * view.size.slow);
        double sum = 0;
        double n = 0;
        for (std::size_t i = 0; i < worth.size(); ++i) {
            const LearnedClause &c = clauses[i];
            const double bits = std::log2(c.activity / most + 1e-3) + now * std::log2(1.0 + c.used) - literal * c.size;
            worth[i] = c.size <= least ? infinity : bits;
            if (c.size > least) {
                sum += bits;
                n += 1;
            }
        }
        if (n < 1) return 0.0;
        const double limit = sum / n + above;
        double low = 0;
        for (std::size_t i = 0; i < worth.size(); ++i)
            if (worth[i] < limit) low += 1;
        return std::clamp(low / n, 0.6, 0.9);
    }
};

} // namespace heuristics::score_clauses

namespace heuristics::switch_mode {
using namespace slotforge;
using namespace slotforge::slots::switch_mode;

// slot: switch_mode
// Fifty focused conflicts, then stable for good.
struct FirstFifty {
    SLOT_PARAM(first, 50, 0, 1000);

    bool operator()(const View &view) { return !view.stable() && static_cast<double>(view.conflicts) >= first; }
};

} // namespace heuristics::switch_mode
