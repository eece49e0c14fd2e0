-- The C compilers of this machine, and what they say of C: sources come back as facts, without a program
-- being run. Each fact is a constant in the object file, behind a mark by which it is found there, so that
-- one compiler run answers any number of questions, and nothing here knows what object files look like.
local process = require "process"
local support = require "spec.support"

local compiler = {}

local commands = {
  linux64 = { "gcc", "-m64" },
  linux32 = { "gcc", "-m32" },
  win64 = { "x86_64-w64-mingw32-gcc" },
  -- (time_t has 64 bits, as with Microsoft's compiler.)
  win32 = { "i686-w64-mingw32-gcc", "-D__MINGW_USE_VC2005_COMPAT" },
  arm64 = { "aarch64-linux-gnu-gcc" },
  arm32 = { "arm-linux-gnueabihf-gcc" },
  riscv64 = { "riscv64-linux-gnu-gcc" },
  ppc64le = { "powerpc64le-linux-gnu-gcc" },
  s390x = { "s390x-linux-gnu-gcc" },
}

-- clang for Microsoft's ABI, whose rules differ from those of gcc for Windows. It does without a system's
-- headers.
local microsoft = {
  win64 = { "clang", "-target", "x86_64-pc-windows-msvc", "-ffreestanding" },
  win32 = { "clang", "-target", "i686-pc-windows-msvc", "-ffreestanding" },
}

--- The ABIs in the order in which specs go through them.
compiler.abis = { "linux64", "linux32", "win64", "win32", "arm64", "arm32", "riscv64", "ppc64le", "s390x" }

--- The byte order in which a compiler writes numbers.
function compiler.order(abi) return abi == "s390x" and ">" or "<" end

local MARK = "\x8ffact:\xf1\xe7"

-- FACTS(id, count, …) keeps numbers, BYTES(id, type, …) an initialised object, which Microsoft's rules align
-- to up to 32 bytes: it follows 32 others. The names of <windows.h> are
-- the system's own where there are some.
local PROLOGUE = [[
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdalign.h>
#if __STDC_HOSTED__
#include <sys/types.h>
#include <time.h>
#include <uchar.h>
#include <wchar.h>
#else
typedef unsigned short char16_t;
typedef unsigned int char32_t;
typedef intptr_t ssize_t;
typedef long long time_t;
#endif
#if defined _WIN32 && __STDC_HOSTED__
#define WIN32_LEAN_AND_MEAN
#include <windows.h>
#else
#include "windows_names.h"
#endif
#define MARK "\x8f" "fact:" "\xf1\xe7"
#define FACTS(id, count, ...) const struct __attribute__((packed)) { char mark[8]; unsigned which, bytes; \
  unsigned long long value[count]; } fact_##id = { MARK, id, 8 * count, { __VA_ARGS__ } }
#define BYTES(id, type, ...) const struct __attribute__((packed)) { char unused[16], mark[8]; \
  unsigned which, bytes; type value; } fact_##id = { "", MARK, id, sizeof(type), __VA_ARGS__ }
#line 1
]]

local function write_file(path, text)
  local file <close> = assert(io.open(path, "wb"))
  assert(file:write(text))
end

-- All that a process says, line by line, and whether it ended well.
local function listen(child)
  local said = {}
  while true do
    local line, problem = child:read(support.deadline)
    if not line then
      assert(problem == "eof", problem)
      break
    end
    said[#said + 1] = line
  end
  return child:wait(support.deadline) == 0, table.concat(said, "\n")
end

local function command_of(abi, is_microsoft)
  return (is_microsoft and microsoft or commands)[abi]
end

--- Starts a compiler on a source, which compiler.finish waits for: several can be at work at once.
-- `is_microsoft` asks for clang with Microsoft's rules.
function compiler.start(abi, source, is_microsoft)
  local job = { abi = abi, source = support.tmpname(".c"), object = support.tmpname(".o") }
  write_file(job.source, PROLOGUE .. source)
  local command = { "sh", "-c", [[exec "$@" 2>&1]], "sh" }
  local own = command_of(abi, is_microsoft)
  table.move(own, 1, #own, #command + 1, command)
  local rest = { "-std=gnu11", "-w", "-O0", "-Ispec/layouts", "-c", job.source, "-o", job.object }
  table.move(rest, 1, #rest, #command + 1, command)
  job.child = process.spawn(command)
  return job
end

--- The facts of a job by their ids, as the bytes that the compiler made; nil and what it said where it
-- failed.
function compiler.finish(job)
  local well, said = listen(job.child)
  local file = well and io.open(job.object, "rb")
  local object = file and file:read("a")
  if file then file:close() end
  os.remove(job.source)
  os.remove(job.object)
  if not object then return nil, said end
  local facts = {}
  local _, at = object:find(MARK, 1, true)
  while at do
    local id, size, from = string.unpack(compiler.order(job.abi) .. "I4I4", object, at + 1)
    facts[id] = object:sub(from, from + size - 1)
    _, at = object:find(MARK, from + size, true)
  end
  return facts
end

--- Whether gcc, or g++ if `is_cpp`, takes a source for Linux of 64 bits, and what it says.
function compiler.accepts(source, is_cpp)
  local path = support.tmpname(is_cpp and ".cc" or ".c")
  write_file(path, PROLOGUE .. source)
  local well, said = listen(process.spawn { "sh", "-c", "exec \"$@\" 2>&1", "sh", is_cpp and "g++" or "gcc",
    is_cpp and "-std=gnu++17" or "-std=gnu11", "-m64", "-w", "-fsyntax-only",
    "-fno-diagnostics-show-caret", "-Ispec/layouts", path })
  os.remove(path)
  return well, said
end

--- Why nothing can be compiled for an ABI, nil if it can.
function compiler.missing(abi, is_microsoft)
  local command = command_of(abi, is_microsoft)
  local started, job = pcall(compiler.start, abi, "FACTS(1, 1, sizeof(wchar_t));", is_microsoft)
  local facts, said
  if started then facts, said = compiler.finish(job) end
  if not started or said and said:find("not found", 1, true) then
    return command[1] .. " is not installed"
  end
  if not facts then return table.concat(command, " ") .. " does not work here" end
end

return compiler
