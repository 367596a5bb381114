// Output: what the programs say, as lines of text or JSON.

#pragma once
#include "solver.hpp"

#include <string>
#include <string_view>

namespace slotforge {

// Writes all of a text to a file descriptor.
void write_all(int descriptor, std::string_view text);

// A text as a JSON string.
std::string quoted(std::string_view text);

// A number as in JSON, shortest form that reads back the same.
std::string shortest(double number);

const char *name_of(Answer answer);

// The name of the limit as a JSON value; null for none.
std::string json_of(Stop stop);

// The members that every JSON answer has, without braces.
std::string statistics_members(const Solver &solver);
std::string profile_members(const Solver &solver); // where the ticks went, and what the policies answered

// The literals and a closing 0, in lines that begin with `v` and have at most 78 columns.
std::string value_lines(const std::vector<int> &model);

// Literals with a blank after each.
std::string words(const std::vector<int> &literals);

} // namespace slotforge
