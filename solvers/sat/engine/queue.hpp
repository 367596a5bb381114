// Queue: variables in the order in which they were last moved to the front (VMTF; Ryan 2004; Biere and Fröhlich,
// SAT 2015). The next decision is the unassigned variable nearest to the front; a cursor remembers where to look.

#pragma once
#include "literal.hpp"

#include <vector>

namespace slotforge {

class Queue {
  public:
    static constexpr Var none = ~0u;

    // The higher, the nearer to the front.
    std::uint64_t stamp(Var v) const { return links_[v].stamp; }

    // Makes room for variables below count; each must be put to the front once.
    void resize(std::size_t count) { links_.resize(count); }

    // Puts a variable that is not in the queue to the front.
    void push_front(Var v) {
        Link &link = links_[v];
        link.back = front_;
        link.front = none;
        if (front_ != none) links_[front_].front = v;
        front_ = v;
        link.stamp = ++stamps_;
        cursor_ = v;
    }

    // Pre: v is in the queue. The cursor moves along unless v is assigned.
    void move_to_front(Var v, bool assigned) {
        if (front_ == v) return;
        Link &link = links_[v];
        const Var cursor = cursor_ == v ? link.front : cursor_;
        links_[link.front].back = link.back;
        if (link.back != none) links_[link.back].front = link.front;
        push_front(v);
        if (assigned) cursor_ = cursor;
    }

    // Call when v loses its value.
    void unassigned(Var v) {
        if (links_[v].stamp > links_[cursor_].stamp) cursor_ = v;
    }

    // The first variable from the cursor for which is_free holds, or none. The cursor stays there.
    template <class Predicate> Var next(Predicate is_free) {
        Var v = cursor_;
        while (v != none && !is_free(v)) v = links_[v].back;
        if (v != none) cursor_ = v;
        return v;
    }

  private:
    struct Link {
        Var front = none;
        Var back = none;
        std::uint64_t stamp = 0;
    };

    std::vector<Link> links_;
    Var front_ = none;
    Var cursor_ = none;
    std::uint64_t stamps_ = 0;
};

} // namespace slotforge
