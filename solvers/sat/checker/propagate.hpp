// Unit propagation with two watched literals that looks at clauses of the core first.

#pragma once

#include "clauses.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace drat {

class Propagator {
  public:
    explicit Propagator(Clauses &clauses) : clauses_(clauses) {}

    // Makes room for a variable.
    void grow(std::uint32_t variable);

    bool is_true(Lit lit) const { return values_[lit] > 0; }
    bool is_false(Lit lit) const { return values_[lit] < 0; }
    std::span<const Lit> trail() const { return trail_; }
    std::size_t assigned() const { return trail_.size(); }

    // The clause that forced a literal; none for an assumption.
    //   Pre: the variable is assigned
    Ref reason(std::uint32_t variable) const { return reasons_[variable]; }
    std::uint32_t position(std::uint32_t variable) const { return positions_[variable]; }

    // Whether the clause forces a literal of the present assignment.
    //   Pre: the clause is not empty
    bool is_reason(Ref clause) const;

    // Makes a literal true.
    //   Pre: it is unassigned
    void assign(Lit lit, Ref reason);

    // Puts a clause under watch. Of a satisfied clause the earliest true literal is watched, of false literals the
    // latest: so the watches stay right when the assignment is cut back to any earlier fixed point.
    //   Pre: at least two literals; if all are false, the clause is the next to be taken out
    void attach(Ref clause);

    // Notes that a clause was deactivated; its watches go when they are met or when they outnumber the living ones.
    void detached();

    // Core-first propagation (Wetzler, Heule and Hunt, SAT 2014): all of the core, then other clauses up to the first
    // new literal, and again.
    //   Post: returns a false clause, or none at the fixed point
    Ref propagate();

    // Cuts the assignment back to its first `size` literals.
    //   Pre: propagation had reached its fixed point with just these
    void backtrack(std::size_t size);

  private:
    struct Watch {
        Ref clause;
        Lit blocker;
    };
    using Watches = std::vector<Watch>;

    template <bool in_core> Ref visit(Lit falsified, std::size_t &place);
    void sweep();

    Clauses &clauses_;
    std::vector<std::int8_t> values_;
    std::vector<Ref> reasons_;
    std::vector<std::uint32_t> positions_;
    std::vector<Lit> trail_;
    std::array<std::vector<Watches>, 2> watches_; // other clauses, core
    std::size_t core_head_ = 0, other_head_ = 0, other_place_ = 0;
    std::size_t attached_ = 0, detached_ = 0;
};

} // namespace drat
