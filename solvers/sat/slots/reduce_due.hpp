// reduce_due: is it time to forget learned clauses?
//
// Called once per conflict.
//   Pre:  view.conflicts >= 1
//   Post: true makes the engine ask score_clauses which

#pragma once
#include "slotforge/slot.hpp"

namespace slotforge::slots::reduce_due {

using Signature = bool(const View &);

// The n-th interval is 300 * sqrt(n) conflicts (Kissat has the same root, and reduceint 1000): the database may grow,
// but slower than the search goes on.
struct ReduceDue {
    SLOT_PARAM(interval, 300, 100, 20000);

    bool operator()(const View &view) {
        const double since = static_cast<double>(view.conflicts - view.at.reduction);
        return since >= interval * std::sqrt(static_cast<double>(view.reductions + 1));
    }
};

// Arithmetic: the n-th interval is 300 * n conflicts (CaDiCaL 1: reduceint 300).
struct Cadical {
    SLOT_PARAM(interval, 300, 50, 5000);

    bool operator()(const View &view) {
        const double since = static_cast<double>(view.conflicts - view.at.reduction);
        return since >= interval * static_cast<double>(view.reductions + 1);
    }
};

// 300 conflicts at first, then 25 times the root of the conflicts so far (CaDiCaL 2: reduceinit 300, reduceint 25).
struct CadicalRoot {
    SLOT_PARAM(first, 300, 50, 5000);
    SLOT_PARAM(interval, 25, 2, 400);

    bool operator()(const View &view) {
        const double since = static_cast<double>(view.conflicts - view.at.reduction);
        return since >= first + interval * std::sqrt(static_cast<double>(view.at.reduction));
    }
};

// Arithmetic with a head start: 2000 + 300 * n conflicts (Glucose 2; Audemard and Simon 2012).
struct Glucose {
    SLOT_PARAM(first, 2000, 200, 20000);
    SLOT_PARAM(step, 300, 0, 5000);

    bool operator()(const View &view) {
        const double since = static_cast<double>(view.conflicts - view.at.reduction);
        return since >= first + step * static_cast<double>(view.reductions);
    }
};

// By number of clauses: more learned ones than a third of the formula's, a limit that grows by 1.1 after 100 conflicts,
// then each time after 1.5 times as many (MiniSat 2; Een and Sorensson, SAT 2003).
struct MiniSat {
    SLOT_PARAM(share, 0.3333, 0.05, 3.0);
    SLOT_PARAM(factor, 1.1, 1.0, 1.5);
    SLOT_PARAM(least, 1000, 100, 20000);

    bool operator()(const View &view) {
        if (static_cast<double>(view.conflicts) >= adjust_at_) {
            adjust_gap_ *= 1.5;
            adjust_at_ += adjust_gap_;
            growth_ = std::min(1e6, growth_ * factor);
        }
        const double limit = std::max<double>(least, share * static_cast<double>(view.irredundant)) * growth_;
        return static_cast<double>(view.redundant) >= limit + static_cast<double>(view.assigned);
    }

  private:
    double growth_ = 1;
    double adjust_gap_ = 100;
    double adjust_at_ = 100;
};

// EasySAT: first at 8192 conflicts, then 512 more each time.
struct EasySat {
    SLOT_PARAM(first, 8192, 512, 32768);
    SLOT_PARAM(step, 512, 0, 8192);

    bool operator()(const View &view) {
        const double since = static_cast<double>(view.conflicts - view.at.reduction);
        return since >= first + step * static_cast<double>(view.reductions);
    }
};

// A fixed number of conflicts: the database stays as small as score_clauses makes it.
struct Fixed {
    SLOT_PARAM(interval, 4000, 200, 50000);

    bool operator()(const View &view) { return static_cast<double>(view.conflicts - view.at.reduction) >= interval; }
};

inline constexpr auto builtins = variants<Signature, ReduceDue, Cadical, CadicalRoot, Glucose, MiniSat, EasySat, Fixed>(
    "reduce_due", {"ReduceDue", "Cadical", "CadicalRoot", "Glucose", "MiniSat", "EasySat", "Fixed"});

} // namespace slotforge::slots::reduce_due
