// Averages: the exponential moving averages of the View, corrected for their start as in ADAM (Kingma and Ba, ICLR
// 2015; Biere and Fröhlich, POS 2015).

#pragma once
#include "slotforge/view.hpp"

namespace slotforge {

class Averages {
  public:
    // Takes in what one conflict measured and writes the corrected averages to the view.
    // Pre: view.last is that of this conflict; decisions are those since the one before.
    void update(View &view, double decisions) {
        fast_bias_ *= 1 - fast_rate;
        slow_bias_ *= 1 - slow_rate;
        take(glue_, view.glue, view.last.glue);
        take(size_, view.size, view.last.size);
        take(level_, view.level_at_conflict, view.last.level);
        take(trail_, view.trail, view.last.trail);
        take(decisions_, view.decision_rate, decisions);
    }

  private:
    static constexpr double fast_rate = 1.0 / 33;
    static constexpr double slow_rate = 1e-5;

    void take(Average &raw, Average &corrected, double value) const {
        raw.fast += fast_rate * (value - raw.fast);
        raw.slow += slow_rate * (value - raw.slow);
        corrected.fast = raw.fast / (1 - fast_bias_);
        corrected.slow = raw.slow / (1 - slow_bias_);
    }

    double fast_bias_ = 1;
    double slow_bias_ = 1;
    Average glue_, size_, level_, trail_, decisions_; // not corrected
};

} // namespace slotforge
