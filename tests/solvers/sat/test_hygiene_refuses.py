"""What the static check must refuse, each with the line and a hint."""

from __future__ import annotations

import re

import pytest

from slotforge.solvers.sat.hygiene import check


def policy(body: str = "return false;", members: str = "", before: str = "", after: str = "") -> str:
    return f"{before}struct Mine {{\n{members}\n    bool operator()(const View &view) {{ {body} }}\n}};\n{after}"


HOSTILE = {
    "include": policy(before='#include "/etc/passwd"\n'),
    "include in the struct": policy(members='#include "/etc/passwd"\n'),
    "include by a digraph": policy(before='%:include "/etc/passwd"\n'),
    "include by a trigraph": policy(before='??=include "/etc/passwd"\n'),
    "include over a line splice": policy(before='#inc\\\nlude "/etc/passwd"\n'),
    "embed": policy(before='#embed "/etc/passwd"\n'),
    "macro": policy(before="#define double struct\n"),
    "pragma": policy(before="#pragma GCC optimize 3\n"),
    "conditional": policy(before="#if 1\n", after="#endif\n"),
    "line directive": policy(before='#line 1 "x"\n'),
    "asm": policy('asm("syscall"); return true;'),
    "asm volatile": policy('__asm__ volatile("int3"); return true;'),
    "asm at the top": policy(before='asm(".incbin \\"/etc/passwd\\"");\n'),
    "extern C": policy(before='extern "C" int system(const char *);\n'),
    "builtin": policy("__builtin_trap(); return true;"),
    "builtin as a condition": policy("return __builtin_expect(1, 1);"),
    "std::system": policy('std::system("id"); return true;'),
    "system": policy('system("id"); return true;'),
    "getenv": policy('return std::getenv("HOME") != nullptr;'),
    "exit": policy("exit(20); return true;"),
    "std::exit": policy("std::exit(20); return true;"),
    "global scope": policy("::exit(20); return true;"),
    "redeclared libc function": policy("int getppid(); return getppid() > 1;"),
    "member prototype": policy("return getppid() > 1;", members="    int getppid();"),
    "prototype at the top": policy(before="int getppid();\n"),
    "static object with a constructor": policy(before="static Random seeded{1};\n"),
    "static member": policy(members="    static int count;"),
    "static local": policy("static int count = 0; return ++count > 3;"),
    "thread local": policy("thread_local int count = 0; return ++count > 3;"),
    "global": policy(before="int count = 0;\n"),
    "universal character name": policy("\\u0073ystem(0); return true;"),
    "not ASCII": policy("return tr\u00fce;"),
    "pointer": policy("auto *p = &view; return p != nullptr;"),
    "address": policy("auto p = &view; return true;"),
    "dereference": policy("return *this == *this;"),
    "pointer cast": policy("return *(int *)(view.conflicts) > 0;"),
    "reinterpret_cast": policy("return reinterpret_cast<int &>(view.level) > 0;"),
    "const_cast": policy("const_cast<View &>(view).conflicts = 0; return true;"),
    "C cast": policy("return (double)view.conflicts > 3;"),
    "cast to a reference": policy("static_cast<View &>(view); return true;"),
    "new": policy("return new int[100000000] != nullptr;"),
    "delete": policy("delete this; return true;"),
    "vector": policy(members="    std::vector<double> all;"),
    "string": policy(members='    std::string name = "x";'),
    "function object": policy(members="    std::function<void()> run;"),
    "iostream": policy("std::cout << 1; return true;"),
    "bit_cast": policy("return std::bit_cast<double>(view.ticks) > 0;"),
    "data pointer": policy("return a.data()[7] > 0;", members="    std::array<double, 2> a{};"),
    "attribute": policy("return true;", members="    [[gnu::constructor]] void first() {}"),
    "GNU attribute": policy(before="__attribute__((constructor)) void run() {}\n"),
    "aligned": policy(members="    alignas(4096) double x = 0;"),
    "template": policy(members="    template <int N> struct T { T<N - 1> t; };"),
    "template bomb": policy(before="template <int N> struct T { T<N + 1> t; };\n"),
    "base class": policy().replace("struct Mine", "struct Mine : View"),
    "virtual": policy(members="    virtual void f() {}"),
    "class": policy().replace("struct Mine", "class Mine"),
    "union": policy(members="    union { double d; std::uint64_t u; } both;"),
    "constructor": policy(members="    Mine() { x = 1; }\n    double x = 0;"),
    "destructor": policy(members="    ~Mine() {}"),
    "other operator": policy(members="    void operator delete(void *) {}"),
    "conversion operator": policy(members="    operator double() { return 1; }"),
    "two structs": policy(before="struct Other {};\n"),
    "no struct": "bool restart(const View &view) { return true; }\n",
    "no call operator": "struct Mine { double x = 0; };\n",
    "two call operators": policy(members="    bool operator()(const View &view) const { return true; }"),
    "other arguments": policy().replace("const View &view", "View &view"),
    "other result": policy().replace("bool operator", "double operator"),
    "namespace": "namespace slotforge { " + policy() + "}\n",
    "namespace closed": policy(after="} namespace slotforge {\n"),
    "using namespace": policy("using namespace std; return true;"),
    "typedef": policy(members="    typedef double real;"),
    "goto": policy("again: goto again; return true;"),
    "throw": policy("throw 1; return true;"),
    "try": policy("try { return true; } catch (...) { return false; }"),
    "string literal": policy('auto s = "abc"; return true;'),
    "character": policy("return 'a' > 3;"),
    "raw array": policy(members="    double a[100] = {};"),
    "reference member": policy(members="    const View &kept;"),
    "volatile": policy("volatile int x = 1; return x > 0;"),
    "friend": policy(members="    friend struct View;"),
    "parameter by hand": policy(members='    Param p{"x", 1, 0, 2};'),
    "parameter's insides": policy("m.set(7); return true;", members="    SLOT_PARAM(m, 1, 0, 2);"),
    "parameter read too early": policy(members="    SLOT_PARAM(m, 1, 0, 2);\n    double x = m * 2;"),
    "parameter read too early by a function": policy(members="    double f() { return 1; }\n    double x = f();"),
    "default out of range": policy(members="    SLOT_PARAM(m, 3, 0, 2);"),
    "parameter that is no number": policy(members="    SLOT_PARAM(m, nan, 0, 2);"),
    "engine's plugin": policy("return plugin_abi > 0;"),
    "engine's type": policy().replace("Mine", "View"),
    "unknown field": policy("return view.password > 0;"),
    "unknown name": policy("return margin > 0;"),
    "nested parentheses": policy("return " + "(" * 1500 + "1" + ")" * 1500 + ";"),
    "nested blocks": policy("{" * 1500 + "}" * 1500 + " return true;"),
    "too large": policy("return true;" + " " * 9000),
    "comment that hides": policy("return true; /* ") + "*/",
    "NUL": policy("return true;\0"),
    "DEL": policy("return true;\x7f"),
    "carriage return": policy("return true; // \rreturn false;"),
    "Windows line ends": policy().replace("\n", "\r\n"),
    **{f"line end {end!a}": policy(f"return true; //{end}")
       for end in ("\v", "\f", "\x1c", "\x1d", "\x1e", "\x85", "\u2028", "\u2029")},
    "empty": "",
    "text": "I would restart less often when glue is low.",
}  # fmt: skip


@pytest.mark.parametrize("name", HOSTILE)
def test_source_that_a_policy_has_no_use_for_is_refused_in_one_line(name: str) -> None:
    fault = check("restart_due", HOSTILE[name])
    assert fault
    assert "\n" not in fault
    assert len(fault) < 200


def test_a_refusal_names_the_line_and_what_to_write_instead() -> None:
    source = policy("\n    return (double)view.conflicts > 3;")
    fault = check("restart_due", source)
    assert fault == "line 4: a C cast is not allowed: write static_cast<double>(x)"


@pytest.mark.parametrize("end", ["\r", "\v", "\f", "\x1c", "\x85", "\u2028"])
def test_a_line_end_that_only_python_knows_is_refused_where_it_stands(end: str) -> None:
    assert check("restart_due", f"// A comment.{end}\n" + policy()) == "line 1: only printable ASCII text is allowed"


def test_the_signature_is_that_of_the_slot() -> None:
    fault = check("decay", policy())
    assert fault is not None
    assert re.search(r"line 3: operator\(\) must have the slot's signature double\(const View &\)", fault)


def test_an_unknown_slot_is_named() -> None:
    assert (check("restart", policy()) or "").startswith("there is no slot 'restart'; choose one of bump_reason,")
