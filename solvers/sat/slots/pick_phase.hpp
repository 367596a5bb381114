// pick_phase: which value is a decision variable tried with?
//
// Called once per decision, after the variable was chosen: the most frequent of all slots.
//   Pre:  phases are those of the chosen variable
//   Post: true assigns it true

#pragma once
#include "slotforge/slot.hpp"

namespace slotforge::slots::pick_phase {

// What is known of a variable's value: +1 true, -1 false, 0 unknown.
struct Phases {
    std::int8_t saved = 0;   // when it was last assigned
    std::int8_t target = 0;  // in the longest trail without conflict since the last restart of that record
    std::int8_t best = 0;    // in the longest trail without conflict since the last rephase
    std::int8_t initial = 1; // asked for by the user or the seed, else true
};

using Signature = bool(const View &, const Phases &);

// Saved phases (Pipatsrisawat and Darwiche, SAT 2007); target phases first in stable mode (Biere and Fleury 2020;
// Kissat and CaDiCaL), for a long trail without conflict is most of a model.
struct PickPhase {
    bool operator()(const View &view, const Phases &phases) {
        if (view.stable() && phases.target != 0) return phases.target > 0;
        return (phases.saved != 0 ? phases.saved : phases.initial) > 0;
    }
};

// Target phases in both modes (Kissat: target=2; good on satisfiable formulas).
struct TargetAlways {
    bool operator()(const View &, const Phases &phases) {
        if (phases.target != 0) return phases.target > 0;
        return (phases.saved != 0 ? phases.saved : phases.initial) > 0;
    }
};

// Phase saving alone, in both modes.
struct Saved {
    bool operator()(const View &, const Phases &phases) {
        return (phases.saved != 0 ? phases.saved : phases.initial) > 0;
    }
};

// Best phases first in stable mode: sticks to the longest trail until the next rephase.
struct Best {
    bool operator()(const View &view, const Phases &phases) {
        if (view.stable() && phases.best != 0) return phases.best > 0;
        return (phases.saved != 0 ? phases.saved : phases.initial) > 0;
    }
};

// MiniSat: the saved phase, false for a variable that never had one.
struct NegativeFirst {
    bool operator()(const View &, const Phases &phases) { return phases.saved > 0; }
};

// Always the initial phase: no memory (Jeroslow-Wang style solvers before phase saving).
struct Initial {
    bool operator()(const View &, const Phases &phases) { return phases.initial > 0; }
};

// The saved phase, but a coin with a small probability (PrecoSAT and Lingeling flip now and then).
struct Noisy {
    SLOT_PARAM(noise, 0.02, 0.0, 0.5);

    bool operator()(const View &view, const Phases &phases) {
        if (!seeded_) coin_ = Random(view.seed + 1);
        seeded_ = true;
        const bool saved = (phases.saved != 0 ? phases.saved : phases.initial) > 0;
        return coin_.chance(noise) ? !saved : saved;
    }

  private:
    Random coin_{};
    bool seeded_ = false;
};

inline constexpr auto builtins =
    variants<Signature, PickPhase, TargetAlways, Saved, Best, NegativeFirst, Initial, Noisy>(
        "pick_phase", {"PickPhase", "TargetAlways", "Saved", "Best", "NegativeFirst", "Initial", "Noisy"});

} // namespace slotforge::slots::pick_phase
