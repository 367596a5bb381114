// bump_reason: are the variables behind a learned clause bumped too?
//
// Called once per conflict in stable mode, before bump_variables.
//   Pre:  view.conflicts >= 1
//   Post: up to this many variables per literal of the learned clause, taken from the reasons of its literals, are
//         added to those that are bumped; clamped to [0, 100]; 0 adds none

#pragma once
#include "slotforge/slot.hpp"

namespace slotforge::slots::bump_reason {

using Signature = double(const View &);

// Up to ten per literal while there are fewer than ten decisions per conflict (Kissat: bumpreasonslimit 10,
// bumpreasonsrate 10): where propagation does the work, the reasons say more than the clause. The idea is the reason
// side rate of LRB (Liang, Ganesh, Poupart and Czarnecki, SAT 2016).
struct BumpReason {
    SLOT_PARAM(limit, 10, 0, 100);
    SLOT_PARAM(rate, 10, 1, 1000);

    double operator()(const View &view) { return view.decision_rate.slow < rate ? double{limit} : 0.0; }
};

// CaDiCaL: the same with a rate of 100 decisions per conflict (bumpreasonrate 100).
struct Cadical {
    SLOT_PARAM(limit, 10, 0, 100);
    SLOT_PARAM(rate, 100, 1, 1000);

    double operator()(const View &view) { return view.decision_rate.slow < rate ? double{limit} : 0.0; }
};

// Always and without bound (LRB of MapleSAT).
struct Always {
    double operator()(const View &) { return 100.0; }
};

// Only behind clauses of low glue: their reasons are likely to come again.
struct LowGlue {
    SLOT_PARAM(limit, 10, 0, 100);
    SLOT_PARAM(glue, 6, 1, 40);

    double operator()(const View &view) { return view.last.glue <= glue ? double{limit} : 0.0; }
};

// Not at all, as MiniSat and Glucose.
struct Never {
    double operator()(const View &) { return 0.0; }
};

inline constexpr auto builtins = variants<Signature, BumpReason, Cadical, Always, LowGlue, Never>(
    "bump_reason", {"BumpReason", "Cadical", "Always", "LowGlue", "Never"});

} // namespace slotforge::slots::bump_reason
