// Fixed: a policy that was chosen when the program was compiled.

#pragma once
#include "error.hpp"

#include "slotforge/slot.hpp"

#include <string>
#include <string_view>
#include <utility>

namespace slotforge {

[[noreturn]] inline void refuse_choice(std::string_view slot, const char *fixed) {
    throw Error("slot " + std::string(slot) + " is fixed to " + fixed + " in this solver");
}

template <class Choice, class Signature> class Fixed;

template <class Choice, class Result, class... Arguments> class Fixed<Choice, Result(Arguments...)> {
  public:
    Result operator()(Arguments... arguments) { return policy_(std::forward<Arguments>(arguments)...); }

    // There is no choice but the policy itself. Throws Error for another.
    void choose(std::string_view slot, const std::string &choice) {
        if (choice != Choice::name) refuse_choice(slot, Choice::name);
    }

    const char *name() const { return Choice::name; }
    Param *parameters() const { return parameters_; }

    // Calls visit(name, parameters) for the one there is.
    template <class Visit> void each_variant(Visit visit) const { visit(Choice::name, parameters_); }

  private:
    Param *others_ = Param::take_declared(); // forgets those of policies made before
    typename Choice::Policy policy_{};
    Param *parameters_ = Param::take_declared();
};

} // namespace slotforge
