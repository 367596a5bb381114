// decay: how fast do old conflicts fade from the variables' scores?
//
// Called once per conflict in stable mode, after bump_variables.
//   Pre:  view.conflicts >= 1
//   Post: the engine divides the increment by the result, clamped to [0.5, 1]: 1 forgets nothing, low values fast

#pragma once
#include "slotforge/slot.hpp"

namespace slotforge::slots::decay {

using Signature = double(const View &);

// A constant factor: 0.95, as MiniSat, CaDiCaL (scorefactor 950) and stable mode of Kissat (decay 50 per mille).
struct Decay {
    SLOT_PARAM(factor, 0.95, 0.50, 0.999);

    double operator()(const View &) { return factor; }
};

// Glucose's ramp: starts fast and calms down, from 0.80 to 0.95 by 0.01 per 5000 conflicts (Audemard and Simon 2012).
struct GlucoseRamp {
    SLOT_PARAM(first, 0.80, 0.50, 0.95);
    SLOT_PARAM(last, 0.95, 0.80, 0.999);
    SLOT_PARAM(step, 0.01, 0.001, 0.05);
    SLOT_PARAM(interval, 5000, 500, 50000);

    double operator()(const View &view) {
        const double steps = std::floor(static_cast<double>(view.conflicts) / interval);
        return std::min<double>(last, first + step * steps);
    }
};

// EasySAT: 0.8 throughout, a short memory.
struct EasySat {
    SLOT_PARAM(factor, 0.80, 0.50, 0.90);

    double operator()(const View &) { return factor; }
};

// Chaff: all scores are halved at every 256th conflict, and stay between (Moskewicz et al., DAC 2001).
struct Chaff {
    SLOT_PARAM(interval, 256, 16, 4096);

    double operator()(const View &) {
        if (++waited_ < interval) return 1.0;
        waited_ = 0;
        return 0.5;
    }

  private:
    double waited_ = 0;
};

// Faster while conflicts are worse than usual: a high recent glue asks for new variables (the idea of glue-driven
// restarts, Audemard and Simon 2012, applied to the scores).
struct GlueDriven {
    SLOT_PARAM(calm, 0.95, 0.80, 0.999);
    SLOT_PARAM(hurried, 0.85, 0.50, 0.95);
    SLOT_PARAM(margin, 1.10, 0.80, 1.50);

    double operator()(const View &view) { return view.glue.fast > margin * view.glue.slow ? hurried : calm; }
};

// Nothing is forgotten. The companion of scores that do not use the increment (Acids, Chb, Vmtf), else a control.
struct NoDecay {
    double operator()(const View &) { return 1.0; }
};

inline constexpr auto builtins = variants<Signature, Decay, GlucoseRamp, EasySat, Chaff, GlueDriven, NoDecay>(
    "decay", {"Decay", "GlucoseRamp", "EasySat", "Chaff", "GlueDriven", "NoDecay"});

} // namespace slotforge::slots::decay
