// Param: a number of a policy that may be tuned without compiling it again.
//
// SLOT_PARAM(margin, 1.10, 1.00, 1.30) declares a member `margin` that reads as a double, starts at 1.10, and may be
// set between 1.00 and 1.30 when the policy is loaded.

#pragma once

namespace slotforge {

class Param {
  public:
    Param(const char *name, double value, double low, double high)
        : name_(name), value_(value), low_(low), high_(high), next_(declared_) {
        declared_ = this;
    }
    Param(const Param &) = delete;
    Param &operator=(const Param &) = delete;

    operator double() const { return value_; }

    const char *name() const { return name_; }
    double low() const { return low_; }
    double high() const { return high_; }
    Param *next() const { return next_; }
    void set(double value) { value_ = value < low_ ? low_ : value > high_ ? high_ : value; }

    // The parameters declared since the last call, newest first.
    static Param *take_declared() {
        Param *declared = declared_;
        declared_ = nullptr;
        return declared;
    }

  private:
    const char *name_;
    double value_;
    double low_;
    double high_;
    Param *next_;
    static inline Param *declared_ = nullptr;
};

} // namespace slotforge

// A macro, because the name has to be both a member and a text.
#define SLOT_PARAM(name, value, low, high)                                                                             \
    ::slotforge::Param name {                                                                                          \
        #name, value, low, high                                                                                        \
    }
