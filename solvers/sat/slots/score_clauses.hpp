// score_clauses: which learned clauses are worth keeping?
//
// Called at each reduction, over the learned clauses that are not the reason of an assignment.
//   Pre:  worth.size() == clauses.size()
//   Post: worth[i] says how much clause i is worth, higher is kept; infinity is kept always, NaN counts as 0. The
//         result, clamped to [0, 1], is the share of the clauses of finite worth that is forgotten, the lowest first

#pragma once
#include "slotforge/slot.hpp"

#include <limits>

namespace slotforge::slots::score_clauses {

// A learned clause.
struct LearnedClause {
    std::uint32_t glue = 0; // decision levels in it (LBD), the lowest seen
    std::uint32_t size = 0; // literals
    std::uint32_t used = 0; // uses in conflict analysis since the last reduction
    std::uint32_t idle = 0; // reductions since it was last used, or learned
    std::uint64_t age = 0;  // conflicts since it was learned
    double activity = 0;    // bumped by every use, decayed by .999 per conflict (MiniSat)
};

inline constexpr double infinity = std::numeric_limits<double>::infinity();

using Signature = double(const View &, std::span<const LearnedClause> clauses, std::span<double> worth);

// Tiers by glue (Oh 2016; Kissat and CaDiCaL: 2 and 6): the first is kept for good, the second while used since the
// last but one reduction, the rest while used since the last one. Of what is left the clauses of higher glue, then of
// greater size, go first: three quarters of them at the start, 90 % in the long run (Kissat: from one half, by
// 0.9 - 0.4 / log10(reductions + 9)).
struct ScoreClauses {
    SLOT_PARAM(tier1, 2, 0, 12);
    SLOT_PARAM(tier2, 6, 1, 40);
    SLOT_PARAM(low, 0.75, 0.10, 0.90);
    SLOT_PARAM(high, 0.90, 0.20, 1.00);

    double operator()(const View &view, std::span<const LearnedClause> clauses, std::span<double> worth) {
        for (std::size_t i = 0; i < worth.size(); ++i) {
            const LearnedClause &clause = clauses[i];
            const bool keep = clause.glue <= tier1 || clause.idle == 0 || (clause.glue <= tier2 && clause.idle <= 1);
            worth[i] = keep ? infinity : -1e7 * clause.glue - clause.size;
        }
        return high - (high - low) / std::log10(static_cast<double>(view.reductions) + 10);
    }
};

// CaDiCaL: the same tiers and order, and always 75 % (reducetarget 75).
struct Cadical {
    SLOT_PARAM(tier1, 2, 0, 12);
    SLOT_PARAM(tier2, 6, 1, 40);
    SLOT_PARAM(share, 0.75, 0.10, 1.00);

    double operator()(const View &, std::span<const LearnedClause> clauses, std::span<double> worth) {
        for (std::size_t i = 0; i < worth.size(); ++i) {
            const LearnedClause &clause = clauses[i];
            const bool keep = clause.glue <= tier1 || clause.idle == 0 || (clause.glue <= tier2 && clause.idle <= 1);
            worth[i] = keep ? infinity : -1e7 * clause.glue - clause.size;
        }
        return share;
    }
};

// MiniSat: half of the clauses goes, those of least activity first; binary ones stay (Een and Sorensson, SAT 2003).
struct MiniSat {
    SLOT_PARAM(share, 0.5, 0.1, 0.95);

    double operator()(const View &, std::span<const LearnedClause> clauses, std::span<double> worth) {
        for (std::size_t i = 0; i < worth.size(); ++i) worth[i] = clauses[i].size <= 2 ? infinity : clauses[i].activity;
        return share;
    }
};

// Glucose: half of the clauses goes, those of higher glue first and of less activity among equals; glue 2 stays
// (Audemard and Simon, IJCAI 2009).
struct Glucose {
    SLOT_PARAM(keep, 2, 0, 8);
    SLOT_PARAM(share, 0.5, 0.1, 0.95);

    double operator()(const View &, std::span<const LearnedClause> clauses, std::span<double> worth) {
        for (std::size_t i = 0; i < worth.size(); ++i) {
            const LearnedClause &clause = clauses[i];
            worth[i] = clause.glue <= keep ? infinity : clause.activity / (1 + clause.activity) - clause.glue;
        }
        return share;
    }
};

// MapleCOMSPS: glue 3 is core and stays; glue 6 stays while used in the last 30,000 conflicts, counted here by the
// age of clauses that were idle; of the rest half goes by activity (Oh 2016; Liang et al. 2016).
struct Maple {
    SLOT_PARAM(core, 3, 0, 8);
    SLOT_PARAM(tier2, 6, 1, 20);
    SLOT_PARAM(patience, 30000, 1000, 200000);
    SLOT_PARAM(share, 0.5, 0.1, 0.95);

    double operator()(const View &, std::span<const LearnedClause> clauses, std::span<double> worth) {
        for (std::size_t i = 0; i < worth.size(); ++i) {
            const LearnedClause &clause = clauses[i];
            const bool fresh = clause.idle == 0 || static_cast<double>(clause.age) <= patience;
            const bool keep = clause.glue <= core || (clause.glue <= tier2 && fresh);
            worth[i] = keep ? infinity : clause.activity;
        }
        return share;
    }
};

// Tiers found from the search itself: the glues below which 50 % and 90 % of all uses happen (Biere, Fleury et al.,
// Kissat 4: dynamic tiers). Fits families whose glues are all high or all low.
struct DynamicTiers {
    SLOT_PARAM(first, 0.50, 0.10, 0.90);
    SLOT_PARAM(second, 0.90, 0.30, 0.99);
    SLOT_PARAM(share, 0.75, 0.10, 1.00);

    double operator()(const View &, std::span<const LearnedClause> clauses, std::span<double> worth) {
        for (const LearnedClause &clause : clauses) {
            const double used = static_cast<double>(clause.used);
            uses_[std::min<std::size_t>(clause.glue, uses_.size() - 1)] += used;
            total_ += used;
        }
        const std::uint32_t tier1 = glue_at(first);
        const std::uint32_t tier2 = glue_at(second);
        for (std::size_t i = 0; i < worth.size(); ++i) {
            const LearnedClause &clause = clauses[i];
            const bool keep = clause.glue <= tier1 || clause.idle == 0 || (clause.glue <= tier2 && clause.idle <= 1);
            worth[i] = keep ? infinity : -1e7 * clause.glue - clause.size;
        }
        return share;
    }

  private:
    std::uint32_t glue_at(double quantile) const {
        double sum = 0;
        for (std::uint32_t glue = 0; glue < uses_.size(); ++glue) {
            sum += uses_[glue];
            if (sum >= quantile * total_) return std::max(glue, 2u);
        }
        return 2;
    }

    std::array<double, 128> uses_{};
    double total_ = 0;
};

// EasySAT: of the clauses with glue 5 or more, half is forgotten by a coin.
struct EasySat {
    SLOT_PARAM(glue, 5, 2, 20);
    SLOT_PARAM(share, 0.5, 0.1, 0.95);

    double operator()(const View &view, std::span<const LearnedClause> clauses, std::span<double> worth) {
        Random coin(view.seed + view.reductions);
        for (std::size_t i = 0; i < worth.size(); ++i) worth[i] = clauses[i].glue < glue ? infinity : coin.uniform();
        return share;
    }
};

// By size alone, the shortest kept; it was the rule before activity and glue, and is hard to beat on random formulas
// (Jabbour, Lonlac, Sais and Salhi 2014).
struct Size {
    SLOT_PARAM(keep, 5, 2, 20);
    SLOT_PARAM(share, 0.5, 0.1, 0.95);

    double operator()(const View &, std::span<const LearnedClause> clauses, std::span<double> worth) {
        for (std::size_t i = 0; i < worth.size(); ++i)
            worth[i] = clauses[i].size <= keep ? infinity : -1.0 * clauses[i].size;
        return share;
    }
};

inline constexpr auto builtins =
    variants<Signature, ScoreClauses, Cadical, MiniSat, Glucose, Maple, DynamicTiers, EasySat, Size>(
        "score_clauses", {"ScoreClauses", "Cadical", "MiniSat", "Glucose", "Maple", "DynamicTiers", "EasySat", "Size"});

} // namespace slotforge::slots::score_clauses
