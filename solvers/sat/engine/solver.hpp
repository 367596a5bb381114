// Solver: conflict-driven clause learning. Its mechanism is here; its policy is in the slots.
//
// Reading order: search.cpp is the main loop; every verb of it has its own file.

#pragma once
#include "arena.hpp"
#include "averages.hpp"
#include "heap.hpp"
#include "limits.hpp"
#include "phases.hpp"
#include "policies.hpp"
#include "profile.hpp"
#include "proof.hpp"
#include "queue.hpp"
#include "watch.hpp"

#include "slotforge/random.hpp"
#include "slotforge/view.hpp"

#include <array>
#include <span>
#include <vector>

namespace slotforge {

class Solver {
  public:
    // A seed other than 0 changes the initial order and a few initial phases. The policies may answer anything: they
    // steer the search and cannot make it wrong.
    Solver(Policies &policies, Proof &proof, std::uint64_t seed);
    Solver(const Solver &) = delete;
    Solver &operator=(const Solver &) = delete;

    // Problem: literals are those of DIMACS; variables come into being as they are named.
    void reserve(int variables);                    // makes variables 1 ... exist
    void add_clause(std::span<const int> literals); // duplicates and tautologies are taken care of
    void prefer(int literal);                       // decide its variable with this value from now on

    // Solving. The assumptions hold for this call only.
    Answer solve(std::span<const int> assumptions = {}, const Limits &limits = {});
    Stop stopped_by() const { return stopped_by_; }          // the limit behind the last `unknown`
    const std::vector<int> &model() const { return model_; } // after `sat`: one literal a variable
    const std::vector<int> &core() const { return core_; }   // after `unsat`: assumptions that cannot hold together

    // What follows from the assumptions by propagation alone; false when they conflict.
    bool propagate_assumptions(std::span<const int> assumptions, std::vector<int> &implied);

    // Asks a running solve to stop; may be called from a signal handler.
    void interrupt() { interrupted_ = true; }
    void clear_interrupt() { interrupted_ = false; }

    const View &view() const { return view_; }
    const Profile &profile() const { return profile_; }
    double mean_glue() const { return view_.conflicts ? glue_sum_ / static_cast<double>(view_.conflicts) : 0; }

  private:
    struct Variable {
        std::uint32_t level;
        std::uint32_t position; // on the trail
        Reason reason;
    };

    struct Frame {                              // a decision level
        std::uint32_t trail;                    // its first position on the trail
        std::uint32_t seen = 0;                 // during analysis: literals of the learned clause,
        std::uint32_t first = ~std::uint32_t{}; // and the lowest of their positions
    };

    struct Conflict { // a clause whose literals are all false
        Reason reason;
        Lit literal = 0;
        explicit operator bool() const { return static_cast<bool>(reason); }
    };

    struct Due { // what the policies asked for since it was last done
        bool restart = false, rephase = false, reduce = false, switch_mode = false, inprocess = false;
    };

    // values
    int value(Lit lit) const { return values_[lit]; }
    const Variable &of(Lit lit) const { return variables_[variable_of(lit)]; }
    std::uint32_t level_of(Lit lit) const { return of(lit).level; }
    std::uint32_t level() const { return view_.level; }
    template <class Predicate> bool all_others(Lit lit, Reason reason, Predicate holds);

    // problem.cpp
    void enqueue_new_variables();
    void add_simplified(std::vector<Lit> &clause);
    void watch(Lit lit, Watch watch) { watches_[lit].push_back(watch); }
    Reason attach(std::span<const Lit> clause, bool redundant, std::uint32_t glue);

    // search.cpp
    Answer search();
    bool all_assigned() const { return trail_.size() == variables_.size(); }
    bool satisfied() const { return all_assigned() && level() >= assumptions_.size(); }
    bool stopping();
    void consult();
    bool asked(Answers &answers, bool due);
    const View &shown() { return shown_ = view_; } // for policies that are asked together: whatever one does to it

    // propagate.cpp
    void assign(Lit lit, Reason reason);
    Conflict propagate();
    bool propagate_watches(Lit lit, Conflict &conflict);

    // decide.cpp
    bool decide();
    Var next_by_score();
    Var next_by_queue();
    bool choose_value(Var v);
    void push_level() {
        frames_.push_back({static_cast<std::uint32_t>(trail_.size())});
        ++view_.level;
    }
    void assume(Lit lit);

    // backtrack.cpp
    void backtrack(std::uint32_t level);

    // analyze.cpp
    bool analyze(const Conflict &conflict);
    Lit derive(const Conflict &conflict);
    void resolve(Lit lit, Reason reason);
    void meet(Lit lit);
    void use(Clause &clause);
    std::uint32_t count_levels(std::span<const Lit> literals);
    std::uint32_t place_jump_literal();
    void rescale_activities();
    void learn(std::uint32_t jump);
    void clear_analysis();
    void analyze_final(Lit failed);

    // minimize.cpp
    void minimize();
    bool removable(Lit lit, unsigned depth);
    void strengthen_by_binaries(std::uint32_t glue);

    // bump.cpp
    void bump();
    void bump_reasons(const View &view);
    void bump_scores(const View &view);
    void move_analyzed_to_front();

    // restart.cpp, rephase.cpp, reduce.cpp, inprocess.cpp: "is it time?" and the deed
    bool restarting() const { return due_.restart && !all_assigned(); }
    void restart();
    std::uint32_t reusable_level();
    bool rephasing() const { return due_.rephase; }
    void rephase();
    bool switching() const { return due_.switch_mode; }
    void switch_mode();
    bool reducing() const { return due_.reduce; }
    void reduce();
    void gather_candidates();
    void forget(double fraction);
    bool inprocessing() const { return due_.inprocess; }
    void inprocess();

    // inprocess.cpp
    void remove_satisfied_binaries();
    void simplify_clauses();
    void copy_simplified(Ref ref, Arena &fresh);

    // collect.cpp
    void collect_garbage();
    void redirect_watches(Ref from);
    bool redirect(Lit lit, Watch &watch);
    void redirect_reasons();

    // clauses
    Arena arena_;
    Ref young_ = 0; // clauses from here on are compacted at a reduction; those before are older than all learned ones
    std::vector<Watches> watches_;

    // assignment
    std::vector<std::int8_t> values_; // by literal: +1, -1, 0
    std::vector<Variable> variables_;
    std::vector<Lit> trail_;
    std::vector<Frame> frames_ = {{0}};
    std::size_t propagated_ = 0;
    bool inconsistent_ = false; // without any assumption

    // decisions
    Heap heap_;
    Queue queue_;
    PhaseStore phases_;
    Var queued_ = 0;                       // variables below have their place in the order
    std::vector<std::uint64_t> bumped_at_; // value of conflicts
    double increment_ = 1;

    // analysis
    enum Mark : std::uint8_t { analyzed = 1, removable_mark = 2, poison = 4 };
    std::vector<std::uint8_t> marks_;   // by variable
    std::vector<Var> analyzed_;         // variables met, to be bumped
    std::vector<Var> minimized_;        // variables marked in minimisation
    std::vector<std::uint32_t> levels_; // of the learned clause below the conflict's
    std::vector<Lit> learned_;
    std::uint32_t open_ = 0;
    std::vector<std::uint64_t> stamps_; // by level, of count_levels
    std::uint64_t stamp_ = 0;
    std::vector<slots::bump_variables::Bumped> bumped_;
    std::vector<double> scores_;
    std::size_t reason_side_from_ = 0; // analyzed_ from here on are of the reason side

    // reduction
    float clause_increment_ = 1;
    std::vector<Ref> candidates_;
    std::vector<slots::score_clauses::LearnedClause> features_;
    std::vector<double> worth_;

    // search
    Policies &policies_;
    Proof &proof_;
    View view_;
    View shown_; // the copy that policies are given; the search never reads it
    Averages averages_;
    Random random_;
    Due due_;
    Limits limits_;
    Stop stopped_by_ = Stop::none;
    volatile bool interrupted_ = false;
    std::uint64_t next_clock_ = 0; // ticks
    std::uint64_t decisions_at_conflict_ = 0;
    double glue_sum_ = 0;
    Profile profile_;

    // problem and answer
    std::vector<Lit> assumptions_;
    std::vector<Lit> clause_;
    std::vector<int> model_;
    std::vector<int> core_;
};

// Whether a predicate holds for all literals but `lit` of the clause behind it. Counts a tick for the clause.
template <class Predicate> bool Solver::all_others(Lit lit, Reason reason, Predicate holds) {
    if (reason.is_binary()) return holds(reason.other());
    ++view_.ticks;
    for (const Lit other : arena_[reason.ref()].literals())
        if (other != lit && !holds(other)) return false;
    return true;
}

} // namespace slotforge
