// Profile: where the ticks of a search went, and what the policies answered. It is for people and prompts; the search
// never reads it.

#pragma once
#include <cmath>
#include <cstdint>

namespace slotforge {

// The answers of one slot, as numbers.
struct Answers {
    std::uint64_t calls = 0;
    double sum = 0;

    // Takes in an answer that stands for a number; one that is not finite counts as 0.
    void note(double number) {
        ++calls;
        if (std::isfinite(number)) sum += number;
    }

    double mean() const { return calls ? sum / static_cast<double>(calls) : 0; }
};

struct Profile {
    // Ticks of the parts of the search but propagation, which has the rest.
    std::uint64_t analyze = 0;
    std::uint64_t bump = 0;
    std::uint64_t reduce = 0;
    std::uint64_t inprocess = 0;

    double trail = 0; // sum over conflicts of the assigned variables

    // What is noted: whether it is time for the slots named *_due and for switch_mode.
    Answers restart_due, reduce_due, rephase_due, switch_mode, inprocess_due;
    Answers restart_action; // share of the levels that is kept
    Answers rephase_action; // share of the weight that is not on the saved phases
    Answers score_clauses;  // fraction to forget
    Answers pick_phase;     // whether it is true
    Answers bump_variables; // variables whose score is set
    Answers bump_reason;    // literals a literal of the learned clause
    Answers decay;          // the factor

    // Calls visit(name, answers) for each slot.
    template <class Visit> void each_slot(Visit visit) const {
        visit("bump_variables", bump_variables);
        visit("decay", decay);
        visit("bump_reason", bump_reason);
        visit("restart_due", restart_due);
        visit("restart_action", restart_action);
        visit("rephase_due", rephase_due);
        visit("rephase_action", rephase_action);
        visit("reduce_due", reduce_due);
        visit("score_clauses", score_clauses);
        visit("pick_phase", pick_phase);
        visit("switch_mode", switch_mode);
        visit("inprocess_due", inprocess_due);
    }
};

// Adds to an account what a counter grows by while this lives.
class Meter {
  public:
    Meter(const std::uint64_t &counter, std::uint64_t &account)
        : counter_(counter), account_(account), start_(counter) {}
    Meter(const Meter &) = delete;
    Meter &operator=(const Meter &) = delete;
    ~Meter() { account_ += counter_ - start_; }

  private:
    const std::uint64_t &counter_;
    std::uint64_t &account_;
    std::uint64_t start_;
};

} // namespace slotforge
