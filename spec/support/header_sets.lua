-- Sets of headers that a machine has, each with the compilers that read it:
-- { name, abi, include (folders), list (paths), compilers ({ command, is_cpp, before (the texts that are
-- tried in front of a header) }), flags, defines, own_folders (whether each header's folder in the first of
-- the folders is one of them too) }.
local ctype = require "filemap.ctype"
local predefined = dofile("script/predefined")

local sets = {}

local function lines_of(command)
  local list, pipe = {}, assert(io.popen(command))
  for line in pipe:lines() do list[#list + 1] = line end
  pipe:close()
  table.sort(list)
  return list
end

-- The macros of a compiler, and what makes those of the ABI's own compiler go.
local function macros_instead(command, abi)
  local macros = predefined.of_compiler(command)
  if not macros then return nil end
  local defines = {}
  for name in pairs(require("filemap.cdef.predefined").of(ctype.abi(abi))) do defines[name] = false end
  for name, text in pairs(macros) do
    -- mingw's headers ask whether __declspec is a macro. It may stay a word of filemap.cdef.
    if name:find("^__declspec%(") then defines.__declspec = "__declspec"
    elseif not name:find("(", 1, true) then defines[name] = text end
  end
  return defines
end

local linux_folders = { "/usr/include", "/usr/include/x86_64-linux-gnu" }

local function linux_set(name, list)
  return {
    name = name, abi = "linux64", include = linux_folders, list = list, flags = "-D_GNU_SOURCE",
    compilers = {
      { command = "gcc -m64 -std=gnu17", before = { "" } },
      { command = "g++ -m64 -std=gnu++17", before = { "" }, is_cpp = true },
    },
  }
end

-- The files under /usr/include of packages.
local function of_packages(packages)
  local list, seen = {}, {}
  local command = "dpkg -L " .. packages .. " 2>/dev/null | grep -E '^/usr/include/.*\\.(h|hpp)$'"
  for _, path in ipairs(lines_of(command)) do
    if not seen[path] then list[#list + 1] = path end
    seen[path] = true
  end
  return list
end

function sets.linux()
  return linux_set("linux-libc-dev", of_packages("linux-libc-dev"))
end

function sets.libc()
  return linux_set("C library", lines_of("dpkg -L libc6-dev | grep -E "
    .. "'^/usr/include/([a-z0-9_]+|x86_64-linux-gnu/sys/.*|(arpa|net|netinet)/.*)\\.h$'"))
end

local function mingw(abi, triple)
  local folder = "/usr/" .. triple .. "/include"
  -- <sspi.h> asks for one of its macros.
  local flags = "-mlong-double-64 -DSECURITY_WIN32"
  local drivers = folder .. "/ddk"
  local windows = "#include <winsock2.h>\n#include <windows.h>\n"
  return {
    name = "mingw-w64 " .. abi, abi = abi, include = { folder, drivers },
    list = lines_of("find -L " .. folder .. " -name '*.h'"),
    compilers = {
      -- Headers of drivers need <ntddk.h>, which C++ compilers do not accept.
      { command = triple .. "-gcc -std=gnu17", before = { windows, "", "#include <ntddk.h>\n" } },
      { command = triple .. "-g++ -std=gnu++17", before = { windows, "" }, is_cpp = true },
    },
    flags = flags .. " -idirafter " .. drivers, defines = macros_instead(triple .. "-gcc " .. flags, abi),
    own_folders = true,
  }
end

function sets.win64() return mingw("win64", "x86_64-w64-mingw32") end
function sets.win32() return mingw("win32", "i686-w64-mingw32") end

--- Headers of the -dev packages that are installed, without those of the other sets, and without those of
-- node and of LLVM, which are C++ templates.
function sets.others()
  local skip = {}
  for _, path in ipairs(of_packages("linux-libc-dev libc6-dev")) do skip[path] = true end
  local list = {}
  for _, path in ipairs(lines_of("find /usr/include -name '*.h' -not -path '*/c++/*' -not -path '*/node/*'"
    .. " -not -path '*/llvm-*'")) do
    if not skip[path] then list[#list + 1] = path end
  end
  local set = linux_set("other packages", list)
  set.own_folders = true
  return set
end

--- A set by its name.
return function(name)
  return assert(sets[name], "there is no set " .. name)()
end
