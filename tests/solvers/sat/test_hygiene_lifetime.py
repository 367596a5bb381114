"""A policy is made of values: what could reach the engine's state, or memory that is gone, is refused at its line."""

from __future__ import annotations

import pytest

from slotforge.solvers.sat.hygiene import check

ELSEWHERE = "a reference type is not allowed here"
RESULT = "a function may not return a reference"
BOUND = "a reference must be to a variable"
SPAN = "a span may only be an argument"
IS_SPAN = "'worth' is a span"
LAMBDA = "a lambda may only be the value of a local"
LIST = "is not among the names"
TEMPLATE = "templates are not allowed"
POINTER = "pointers are not allowed"


def policy(body: str = "return 0;", members: str = "") -> str:
    """Write a policy of score_clauses: line 2 holds the members, line 4 the body."""
    arguments = "const View &view, std::span<const LearnedClause> clauses, std::span<double> worth"
    return f"struct Mine {{\n{members}\ndouble operator()({arguments}) {{\n{body}\nreturn 0; }} }};\n"


CASTS = {
    "alias of a reference": ("using D = View &;", "D(view).level = 0;", 2, ELSEWHERE),
    "alias of a reference in braces": ("using D = View &;", "D{view}.level = 0;", 2, ELSEWHERE),
    "alias in the function": ("", "using D = View &; D(view).ticks = 1;", 4, ELSEWHERE),
    "alias of a const reference": ("using D = const View &;", "", 2, ELSEWHERE),
    "alias of an rvalue reference": ("using D = View &&;", "", 2, "rvalue references are not allowed"),
    "alias with the const behind": ("using D = View const &;", "", 2, ELSEWHERE),
    "raw memory": (
        "struct Wide { std::array<std::uint64_t, 100000> w{}; }; using R = Wide &;", "R(view.ticks).w[9] = 0;", 2,
        ELSEWHERE,
    ),
    "alias of a pointer": ("using D = View *;", "", 2, POINTER),
    "alias of a pointer to a member": ("using D = double Mine::*;", "", 2, "not C"),
    "alias of a function": ("using D = double(double);", "", 2, "a function type is not allowed"),
    "alias of an array": ("using D = double[4];", "", 2, "is not allowed"),
    "alias by the library": ("using D = std::add_lvalue_reference_t<View>;", "", 2, LIST),
    "alias without const": ("using D = std::remove_const_t<const View>;", "", 2, LIST),
    "alias of a member type": (
        "using A = std::array<View, 1>; double reference = 0; using R = A::reference;", "", 2, LIST,
    ),
    "alias of a member type, also a struct": (
        "using A = std::array<View, 1>; double reference = 0; struct In { struct A {}; }; using R = A::reference;", "",
        2, LIST,
    ),
    "member type of an array": ("using R = std::array<View, 1>::reference;", "", 2, "before another scope"),
    "alias by decltype": ("using D = decltype(1.0) &;", "", 2, "is not allowed"),
    "decltype(auto)": ("", "decltype(auto) v = (view);", 4, "is not allowed"),
    "typedef": ("typedef View &D;", "D(view).level = 0;", 2, "typedef is not allowed"),
    "template": ("template <class T> T cast(T x) { return x; }", "", 2, TEMPLATE),
    "variable template": ("template <class T> static constexpr T zero{};", "", 2, TEMPLATE),
    "generic lambda": ("", "auto f = [](auto &x) { return x.level; };", 4, "auto may not be an argument"),
    "auto argument": ("double f(const auto &x) { return 0; }", "", 2, "auto may not be an argument"),
    "template lambda": ("", "auto f = []<class T>(T x) { return x; };", 4, "is not allowed"),
    "static_cast to a reference": ("", "static_cast<View &>(view);", 4, "static_cast may only go"),
    "const_cast": ("", "auto v = const_cast<View &>(view);", 4, "templates may not be called"),
    "reinterpret_cast": ("", "double x = reinterpret_cast<double &>(worth[0]);", 4, "templates may not be called"),
    "C cast": ("", "auto v = (View &)view;", 4, "a C cast is not allowed"),
    "C cast to an alias": ("using D = View;", "((D)view).level = 0;", 4, "before a dot"),
    "bit_cast": ("", "std::bit_cast<double>(view.ticks);", 4, LIST),
    "as_const and forward": ("", "auto v = std::forward<View &>(view);", 4, LIST),
    "launder": ("", "std::launder(view);", 4, LIST),
    "union": ("union Both { double d; std::uint64_t u; };", "", 2, "unions are not allowed"),
    "template argument": ("", "std::max<View &>(view, view);", 4, ELSEWHERE),
    "array of references": ("", "std::array<View &, 1> a{view};", 4, ELSEWHERE),
    "conversion operator": ("operator double &() { return x; } double x = 0;", "", 2, "not allowed"),
    "other operator": ("double operator[](double x) { return x; }", "", 2, "only operator() may be defined"),
    "friend": ("friend struct View;", "", 2, "friends are not allowed"),
    "mutable argument": ("", "auto f = [](View &v) { v.level = 0; }; f(static_cast<View &>(view));", 4, "static_cast"),
}  # fmt: skip

REFERENCES = {
    "function that returns a member": ("double &f() { return x; } double x = 0;", "", 2, RESULT),
    "function that returns a local": ("const double &f() { double y = 1; return y; }", "", 2, RESULT),
    "function that returns an rvalue reference": ("double &&f() { return 1; }", "", 2, "rvalue"),
    "function with a trailing reference": ("auto f() -> double & { return x; } double x = 0;", "", 2, ELSEWHERE),
    "call operator of an inner struct": ("struct F { double x; double &operator()() { return x; } };", "", 2, RESULT),
    "lambda that returns a reference": ("", "double x = 0; auto f = [&]() -> double & { return x; };", 4, ELSEWHERE),
    "reference to a result": ("", "const double &x = std::max(view.glue.fast, 1.0);", 4, BOUND),
    "reference to a sum": ("", "const auto &x = view.glue.fast + 1.0;", 4, BOUND),
    "reference to a cast": ("", "const auto &x = static_cast<double>(view.ticks);", 4, BOUND),
    "reference to an element of a temporary": ("", "const auto &x = std::array<double, 1>{1.0}[0];", 4, BOUND),
    "reference in parentheses": ("", "const double &x(std::max(1.0, 2.0));", 4, "not C"),
    "reference in braces": ("", "const double &x{std::max(1.0, 2.0)};", 4, BOUND),
    "reference in an if": ("", "if (const auto &x = std::max(1.0, 2.0); x > 1) return x;", 4, BOUND),
    "reference as a condition": ("", "if (const auto &x = std::max(1.0, 2.0)) return x;", 4, BOUND),
    "binding of a result": ("Average f() { return {}; }", "const auto &[a, b] = f();", 4, BOUND),
    "rvalue reference": ("", "auto &&x = view.glue;", 4, "rvalue references are not allowed"),
    "loop by rvalue reference": ("", "for (auto &&x : worth) x = 0;", 4, "rvalue references are not allowed"),
    "loop over a part of a result": (
        "struct S { std::array<double, 2> a{}; }; S f() { return {}; }", "for (double x : f().a) return x;", 4,
        "a loop may only go over",
    ),
    "default for a reference": ("double f(const double &x = 1.0) { return x; }", "", 2, ELSEWHERE),
    "reference member": ("const View &kept;", "", 2, "a member may not be a reference"),
    "reference to a parameter": ("SLOT_PARAM(m, 1, 0, 2);", "auto &p = m; p.set(7);", 4, BOUND),
    "parameter by the library": (
        "SLOT_PARAM(a, 1, 0, 2);\nSLOT_PARAM(b, 1, 0, 2);", "auto p = std::min(a, b).next();", 5,
        "only a variable may stand before a dot",
    ),
    "parameter by a condition": (
        "SLOT_PARAM(a, 1, 0, 2);\nSLOT_PARAM(b, 1, 0, 2);", "auto p = (view.level ? a : b).next();", 5,
        "only a variable may stand before a dot",
    ),
}  # fmt: skip

SPANS = {
    "span as a member": ("std::span<double> kept;", "kept = worth;", 2, SPAN),
    "span in an inner struct": ("struct S { std::span<const double> kept; };", "", 2, SPAN),
    "alias of a span": ("using S = std::span<double>;", "", 2, SPAN),
    "span over the view": ("", "std::span<View> s{}; s[0].level = 0;", 4, SPAN),
    "local span": ("", "std::span<double> s = worth; { std::array<double, 4> a{}; s = a; } s[0] = 1;", 4, SPAN),
    "span that is returned": ("std::span<double> f() { return {}; }", "", 2, SPAN),
    "span that a lambda returns": ("", "auto f = []() -> std::span<double> { return {}; };", 4, SPAN),
    "span of spans": ("double f(std::span<std::span<double>> x) { return 0; }", "", 2, SPAN),
    "array of spans": ("", "std::array<std::span<double>, 1> s{};", 4, SPAN),
    "span by deduction": ("std::array<double, 4> a{};", "auto s = std::span(a);", 4, SPAN),
    "span by its type": ("std::array<double, 4> a{};", "auto s = std::span<double>(a);", 4, SPAN),
    "span by deduction of its type": ("std::array<double, 4> a{};", "std::span s{a};", 4, SPAN),
    "span that is kept by auto": ("", "auto s = worth;", 4, IS_SPAN),
    "span that is assigned": ("std::array<double, 4> a{};", "worth = a;", 4, IS_SPAN),
    "span in a binding": ("", "const auto s = view.level ? worth : worth;", 4, IS_SPAN),
    "span in an array": ("", "auto s = std::array{worth};", 4, IS_SPAN),
    "span that is swapped": ("", "std::swap(worth, worth);", 4, IS_SPAN),
    "span in a lambda's result": ("", "auto f = [&]() { return worth; };", 4, IS_SPAN),
    "span by reference": ("", "auto &s = worth;", 4, "span"),
    "part of a span": ("", "auto s = worth.subspan(0, 1u << 30); s[99] = 1;", 4, "no function 'subspan'"),
    "end of a span": ("", "auto s = worth.last(1);", 4, "no function 'last'"),
    "pointer to the data": ("std::array<double, 2> a{};", "auto p = a.data(); p[7] = 1;", 4, "no function 'data'"),
    "pointer under a field's name": ("double data = 0;", "worth.data()[7] = 1;", 4, "no function 'data'"),
    "pointer under a function's name": ("double data() { return 0; }", "worth.data()[7] = 1;", 2, "may not be called"),
    "iterator": ("std::array<double, 2> a{};", "auto i = a.begin(); i[9] = 1;", 4, "no function 'begin'"),
    "iterator of the library": ("double begin = 0;", "auto i = std::begin(worth);", 4, LIST),
    "pointer by a struct called ranges": (
        "struct ranges { double data = 0; };", "auto p = std::ranges::data(worth);", 4, "before another scope",
    ),
    "own namespace std": ("struct std { double x = 0; };", "", 2, "may not"),
}  # fmt: skip

OTHERS = {
    "this as a pointer": ("double x = 0;", "auto p = this; p[3].x = 1;", 4, "this may only be captured"),
    "this with an index": ("double x = 0;", "this[3].x = 1;", 4, "only a variable may stand before a dot"),
    "address in a word": ("", "auto p = bitand view;", 4, "not C"),
    "reference in a word": ("using D = View bitand;", "", 2, "not C"),
    "lambda that outlives its locals": (
        "", "auto make = [] { double x = 0; return [&] { x = 1; }; }; auto g = make(); g();", 4, LAMBDA,
    ),
    "lambda that is returned by name": (
        "auto f() { double x = 0; auto g = [&] { x = 1; }; return g; }", "auto h = f(); h();", 2, "'g' is a lambda",
    ),
    "lambda that is copied": ("", "auto f = [] { return 1; }; auto g = f;", 4, "'f' is a lambda"),
    "lambda in an array": ("", "auto a = std::array{[] { return 1; }};", 4, LAMBDA),
    "lambda as a member": ("static constexpr auto f = [](double x) { return x; };", "", 2, LAMBDA),
    "lambda that is called at once": ("", "return [&] { return 1.0; }();", 4, "this may not be called"),
    "capture with a name": ("SLOT_PARAM(m, 1, 0, 2);", "auto f = [&p = m] { return 1; };", 4, "is not allowed"),
    "list by deduction": ("", "auto l = {1.0, 2.0}; l = {3.0};", 4, "auto may not be a list"),
    "own object": ("double f(Mine &m) { return 0; }", "", 2, "may not hold or be given another Mine"),
    "placement new": ("", "new (worth) double(1);", 4, "the heap is not allowed"),
    "recursion": ("double f(double x) { return x + f(x); }", "", 2, "'f' may call itself"),
    "recursion over two": (
        "double f(double x) { return g(x); }\ndouble g(double x) { return f(x); }", "", 2, "may call itself",
    ),
    "recursion by a name": ("double f(double x) { return Mine::f(x); }", "", 2, "'f' may call itself"),
    "recursion in an inner struct": (
        "struct S { double f(S &s) { return s.f(s); } };", "", 2, "'f' may call itself",
    ),
    "recursion of the policy": ("", "return operator()(view, clauses, worth);", 4, "this may not be called"),
    "call of a value": ("double alloca = 0;", "auto p = alloca(100000000);", 4, "'alloca' is no function"),
    "macro of the engine as a name": ("", "double SLOT_PARAM = 0;", 4, "may not stand here"),
    "macro of the engine": ("double x = 0;", "SLOT_PARAM(x, 1, (0), 2);", 4, "is no function"),
    "attribute": ("", "[[gnu::noinline]] double x = 0;", 4, "attributes are not allowed"),
    "attribute of the compiler": ("__attribute__((noinline)) double f() { return 0; }", "", 2, "not allowed"),
    "pragma": ("#pragma GCC optimize 0", "", 2, "not allowed"),
    "pragma by an operator": ("", '_Pragma("GCC poison double")', 4, "not"),
    "assembly": ("", 'asm("nop");', 4, "not allowed"),
    "trigraph": ("", "double x = 1; // ??/", 4, "a trigraph"),
    "digraph": ("", "worth<:0:> = 1;", 4, "a digraph"),
    "line continuation": ("", "// \\", 4, "a backslash"),
    "unicode escape": ("double \\u0061 = 0;", "", 2, "a backslash"),
    "raw string": ("", 'auto s = R"(x)";', 4, "texts are not allowed"),
}  # fmt: skip

ATTACKS = {**CASTS, **REFERENCES, **SPANS, **OTHERS}


@pytest.mark.parametrize("name", ATTACKS)
def test_what_could_reach_beyond_the_policys_own_values_is_refused_at_its_line(name: str) -> None:
    members, body, line, said = ATTACKS[name]
    fault = check("score_clauses", policy(body, members))
    assert fault is not None
    assert fault.startswith(f"line {line}: ")
    assert said in fault
    assert "\n" not in fault


KEPT = {
    "references to variables": ("std::array<Average, 3> arms{};", """
        Average &arm = arms[1]; const auto &glue = view.glue; const double &fast = arms[0].fast;
        const LearnedClause &one = clauses.front(); arm.fast = fast + glue.slow + one.glue;"""),
    "loops by reference": ("std::array<double, 4> a{};", """
        for (double &w : worth) w = 1; for (const auto &c : clauses) a[0] += c.glue; for (auto x : a) a[1] += x;
        for (double x : {1.0, 2.0}) a[2] += x;"""),
    "helpers over spans": ("""
        static double sum(std::span<const double> all) { double s = 0; for (double x : all) s += x; return s; }
        void put(std::span<double> to, const std::span<const LearnedClause> &from) { to[0] = from[0].size; }
        """, "put(worth, clauses); return sum(worth);"),
    "lambdas": ("double x = 0;", """
        const auto scale = [this, &view](double y) { return y * x + view.level; };
        auto add = [&](std::size_t i) { worth[i] += scale(worth[i]); };
        for (std::size_t i = 0; i < worth.size(); ++i) add(i);"""),
    "helpers with reference arguments": ("""
        static void grow(double &x, const Average &by) { x += by.fast; } double x = 0;
        """, "grow(x, view.glue); return x;"),
    "values of helpers": ("""
        struct Pair { double a = 0, b = 0; double sum() const { return a + b; } };
        Pair both(const View &view) { return {view.glue.fast, view.glue.slow}; }
        """, "const auto [a, b] = both(view); const Pair p = both(view); return p.sum() + a + b + both(view).a;"),
    "a method of an inner struct with the name of the caller's": ("""
        struct Arm { double mean = 0; void update(double x) { mean += x; } };
        void update(const View &view) { arm.update(view.glue.fast); } Arm arm;
        """, "update(view); return arm.mean;"),
}  # fmt: skip


@pytest.mark.parametrize("name", KEPT)
def test_references_spans_and_lambdas_stay_useful(name: str) -> None:
    members, body = KEPT[name]
    assert check("score_clauses", policy(body, members)) is None


@pytest.mark.parametrize("body", ["double x; return x;", "std::array<double, 3> a;", "int i, j = 0;"])
def test_a_local_variable_begins_with_a_value_of_its_own(body: str) -> None:
    """What lay in memory before would decide otherwise, and cost would differ between runs."""
    assert check("score_clauses", policy(body)) is not None
    assert "needs a value" in str(check("score_clauses", policy(body)))


def test_a_local_variable_with_a_value_is_kept() -> None:
    body = "double x = 1; std::array<double, 3> a{}; Pair p{}; return x + a[0] + p.first;"
    assert check("score_clauses", policy(body, "struct Pair { double first; };")) is None


OWN_START = {
    "a reference": ("", "std::array<std::uint64_t, 1000000000000000> &b = b; b[0] = 1;"),
    "an array": ("", "std::array<std::uint64_t, 64> s = s; return s[3];"),
    "in braces": ("", "std::array<double, 4> a{a}; return a[0];"),
    "a number": ("", "double a = a; return a;"),
    "inside an expression": ("", "double a = 1 + 2 * a; return a;"),
    "in an if": ("", "if (double &r = r) return r;"),
    "in a while": ("", "while (double &r = r) return r;"),
    "in a for": ("", "for (double &r = r; r < 1; r += 1) return r;"),
    "in a lambda": ("", "const auto f = [](double x) { double &r = r; return r + x; }; return f(1);"),
    "a member": ("double a = a;", ""),
    "an argument": ("static double f(double a = a) { return a; }", ""),
}


@pytest.mark.parametrize("name", OWN_START)
def test_no_value_is_made_of_itself(name: str) -> None:
    members, body = OWN_START[name]
    assert "is used in its own value" in str(check("score_clauses", policy(body, members)))
