"""What the static check must let through: policies as a chat model writes them, and all that ship."""

from __future__ import annotations

import itertools
from pathlib import Path

import pytest

from slotforge.solvers.sat.build import Builder
from slotforge.solvers.sat.hygiene import check
from slotforge.solvers.sat.slot import slots
from slotforge.testing.quickest import quickest

WRITTEN = {
    "array as a ring": ("restart_due", """\
struct RingWindow {
    SLOT_PARAM(factor, 0.8, 0.5, 1.0);
    static constexpr std::size_t kWindow = 32;

    bool operator()(const View &view) {
        sum_ -= ring_[head_];
        ring_[head_] = static_cast<double>(view.last.glue);
        sum_ += ring_[head_];
        head_ = (head_ + 1) % kWindow;
        if (filled_ < kWindow) { ++filled_; return false; }
        return factor * sum_ / static_cast<double>(kWindow) > view.glue.slow;
    }

  private:
    std::array<double, kWindow> ring_{};
    std::size_t head_ = 0, filled_ = 0;
    double sum_ = 0.0;
};
"""),
    "enum and switch": ("restart_due", """\
/* A small automaton. */
struct Automaton {
    enum class Phase { Warm, Hot, Cold };
    bool operator()(const View& view) {
        switch (phase) {
            case Phase::Warm: if (view.conflicts > 100u) phase = Phase::Hot; break;
            case Phase::Hot: { phase = Phase::Cold; return true; }
            case Phase::Cold:
            default: if (view.glue.fast < view.glue.slow) phase = Phase::Warm;
        }
        return false;
    }
    Phase phase = Phase::Warm;
};
"""),
    "const operator": ("restart_due", """\
struct Plain {
    SLOT_PARAM(margin, 1.15, 1.0, 1.5);
    bool operator()(const View &view) const {
        if (view.mode == Mode::stable) return false;
        return view.glue.fast > margin * view.glue.slow && view.conflicts - view.at.restart >= 2;
    }
};
"""),
    "helpers": ("decay", """\
struct Adaptive {
    SLOT_PARAM(low, 0.85, 0.5, 0.95);
    SLOT_PARAM(high, 0.97, 0.9, 0.999);

    double operator()(const View &view) {
        const double t = std::clamp(progress(view), 0.0, 1.0);
        return lerp(low, high, t);
    }

private:
    static double lerp(double a, double b, double t) { return a + (b - a) * t; }
    double progress(const View &view) const {
        return std::log1p(static_cast<double>(view.conflicts)) / 14.0;
    }
};
"""),
    "ternaries": ("decay", """\
struct Two {
    double operator()(const View &view) {
        double r = view.size.slow > 0 ? view.size.fast / view.size.slow : 1.0;
        return r > 1.2 ? 0.85 : (r > 1.0 ? 0.92 : 0.96);
    }
};
"""),
    "lambda": ("decay", """\
struct WithLambda {
    SLOT_PARAM(steep, 4, 1, 10);
    double operator()(const View &view) {
        auto squash = [this](double x) { return 1.0 / (1.0 + std::exp(-steep * x)); };
        const auto ratio = view.glue.slow > 0.0 ? view.glue.fast / view.glue.slow - 1.0 : 0.0;
        return 0.90 + 0.09 * (1.0 - squash(ratio));
    }
};
"""),
    "span loops": ("bump_variables", """\
struct Weighted {
    SLOT_PARAM(w, 0.5, 0.0, 2.0);
    void operator()(const View &view, double increment, std::span<const Bumped> bumped, std::span<double> scores) {
        const double top = std::max<double>(1.0, view.last.level);
        for (std::size_t i = 0; i < bumped.size(); i++) {
            const auto &b = bumped[i];
            double bonus = b.reason_side ? 0.5 : 1.0;
            bonus += w * static_cast<double>(b.level) / top;
            if (b.last != 0 && view.conflicts - b.last < 50) bonus *= 1.5;
            scores[i] += bonus * increment;
        }
    }
};
"""),
    "range loop": ("bump_variables", """\
struct Ranged {
    void operator()(const View &, double increment, std::span<const Bumped> bumped, std::span<double> scores) {
        double mean = 0.0;
        for (const Bumped &b : bumped) mean += b.score;
        if (!bumped.empty()) mean /= static_cast<double>(bumped.size());
        for (double &s : scores) { s += s < mean ? 2.0 * increment : increment; }
    }
};
"""),
    "worth with infinity": ("score_clauses", """\
struct Worth {
    SLOT_PARAM(core, 2, 1, 8);
    double operator()(const View &view, std::span<const LearnedClause> clauses, std::span<double> worth) {
        for (size_t i = 0; i < clauses.size(); ++i) {
            const LearnedClause &c = clauses[i];
            if (c.glue <= core) { worth[i] = std::numeric_limits<double>::infinity(); continue; }
            worth[i] = c.used * 4.0 / (1.0 + c.idle) - std::sqrt(double(c.size)) - double{1} * c.glue;
        }
        return view.redundant > 20000 ? 0.8 : 0.5;
    }
};
"""),
    "histogram": ("score_clauses", """\
struct Histogram {
    double operator()(const View &, std::span<const LearnedClause> clauses, std::span<double> worth) {
        std::array<std::uint32_t, 64> counts{};
        for (const auto &clause : clauses) ++counts[std::min<std::uint32_t>(clause.glue, 63u)];
        std::uint32_t seen = 0, limit = 0;
        while (limit < counts.size() && seen < clauses.size() / 2) { seen += counts[limit]; ++limit; }
        for (std::size_t i = 0; i < worth.size(); ++i)
            worth[i] = clauses[i].glue < limit ? infinity : -static_cast<double>(clauses[i].size);
        return 0.6;
    }
};
"""),
    "state struct": ("rephase_action", """\
struct Arms {
    struct Arm { double mean = 0; std::uint32_t pulls = 0; };
    SLOT_PARAM(greed, 0.1, 0.0, 1.0);
    PhaseMix operator()(const View &view) {
        if (coin.chance(greed)) pick = coin.next() % arms.size();
        Arm &arm = arms[pick];
        arm.pulls += 1;
        arm.mean += (view.trail.fast - arm.mean) / static_cast<double>(arm.pulls);
        PhaseMix mix;
        if (pick == 0) mix.best = 1.0; else if (pick == 1) mix.inverted = 1.0; else mix.random = 0.5, mix.keep = 0.5;
        return mix;
    }
    std::array<Arm, 3> arms{};
    Random coin{42};
    std::size_t pick = 0;
};
"""),
    "phases": ("pick_phase", """\
struct Vote {
    bool operator()(const View &view, const Phases &phases) {
        int sum = phases.saved + 2 * phases.target;
        if (view.stable()) sum += phases.best;
        if (sum == 0) return phases.initial > 0;
        return sum > 0;
    }
};
"""),
    "alias and do": ("rephase_due", """\
struct Doubling {
    using Count = std::uint64_t;
    bool operator()(const View &view) {
        const Count since{view.conflicts - view.at.rephase};
        if (since < gap_) return false;
        do { gap_ += gap_ / 4 + 1; } while (gap_ < 1'000);
        return true;
    }
  private:
    Count gap_ = 1024;
};
""".replace("1'000", "1000")),
    "structured binding": ("switch_mode", """\
struct Bound {
    bool operator()(const View &view) {
        const auto &[fast, slow] = view.glue;
        if (view.conflicts == 0) return false;
        if (const auto since = view.conflicts - view.at.mode_switch; since < 3000) return false;
        return fast > 1.3 * slow;
    }
};
"""),
    "luby": ("restart_due", """\
struct Mixed {
    SLOT_PARAM(unit, 64, 16, 512);
    bool operator()(const View &view) {
        const double since = static_cast<double>(view.conflicts - view.at.restart);
        const bool due = since >= unit * static_cast<double>(luby(view.restarts + 1));
        return due || (!view.stable() && view.glue.fast > 1.25 * view.glue.slow);
    }
};
"""),
    "level to keep": ("restart_action", """\
struct KeepSome {
    SLOT_PARAM(share, 0.25, 0, 1);
    std::uint32_t operator()(const View &view, std::uint32_t reusable) {
        const auto kept = static_cast<std::uint32_t>(std::floor(share * static_cast<double>(view.level)));
        return std::min({view.level, std::max(reusable, kept)});
    }
};
"""),
    "constexpr table": ("bump_reason", """\
struct Table {
    static constexpr std::array<double, 4> limits{0.0, 2.0, 5.0, 10.0};
    double operator()(const View &view) {
        const std::size_t i = view.decision_rate.fast < 5 ? 3 : view.decision_rate.fast < 20 ? 2 : 1;
        return limits[i];
    }
};
"""),
    "mutable": ("inprocess_due", """\
struct Patient {
    bool operator()(const View &view) const noexcept {
        if (view.fixed == view.fixed_at_inprocessing) { ++waited; return false; }
        const bool due = waited > 200;
        if (due) waited = 0;
        return due;
    }
    mutable unsigned waited = 0;
};
"""),
}  # fmt: skip


@pytest.mark.parametrize("name", WRITTEN)
def test_a_reasonable_policy_passes_the_check_and_compiles(name: str, builds: Path) -> None:
    slot, source = WRITTEN[name]
    assert check(slot, source) is None
    assert Builder(builds).plugin(slot, source).exists()


@pytest.mark.parametrize(("slot", "name"), [(slot.name, name) for slot in slots().values() for name in slot.variants])
def test_every_policy_that_ships_passes_the_check(slot: str, name: str) -> None:
    assert check(slot, slots()[slot].variants[name]) is None


def test_a_check_takes_less_than_two_milliseconds() -> None:
    policies = [(slot.name, source) for slot in slots().values() for source in slot.variants.values()]
    turns = itertools.count()

    def all_of_them() -> None:
        turn = next(turns)
        for slot, source in policies:
            check(slot, f"{source}// {turn}\n")  # new to every cache

    assert quickest(all_of_them) / len(policies) < 0.002
