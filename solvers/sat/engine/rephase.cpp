// Rephasing: the saved values are exchanged for others now and then (Biere and Fleury 2020; Cai et al. 2021).

#include "solver.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <numeric>

namespace slotforge {

namespace {

// A weight as the engine takes it: NaN, negative and infinite ones count for nothing.
double taken(double weight) {
    return std::isfinite(weight) && weight > 0 ? std::min(weight, 1e100) : 0;
}

int opposite(int phase) {
    return -phase;
}

} // namespace

// Draws a source for the saved phase of each variable by the policy's weights; the target and the best phases are used
// up by that.
void Solver::rephase() {
    due_.rephase = false;
    const slots::rephase_action::PhaseMix mix = policies_.rephase_action(shown());
    backtrack(0);
    const std::array weights = {taken(mix.keep),     taken(mix.best),    taken(mix.worst), taken(mix.original),
                                taken(mix.inverted), taken(mix.flipped), taken(mix.random)};
    const double total = std::accumulate(weights.begin(), weights.end(), 0.0);
    profile_.rephase_action.note(total > 0 ? 1 - weights[0] / total : 0);
    for (std::size_t v = 0; v < variables_.size() && total > 0; ++v) {
        const int saved = phases_.saved[v], best = phases_.best[v], initial = phases_.initial[v];
        const int coin = random_.chance(0.5) ? 1 : -1;
        const std::array phases = {saved, best, opposite(best), initial, opposite(initial), opposite(saved), coin};
        double drawn = random_.uniform() * total;
        std::size_t source = 0;
        while (source + 1 < weights.size() && (drawn -= weights[source]) >= 0) ++source;
        if (phases[source] != 0) phases_.saved[v] = static_cast<std::int8_t>(phases[source]);
    }
    phases_.forget();
    ++view_.rephases;
    view_.at.rephase = view_.conflicts;
}

} // namespace slotforge
