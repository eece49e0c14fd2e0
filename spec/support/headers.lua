-- Headers of a system, read by filemap.cdef and by its compiler: every type's size, alignment and offsets are
-- compared. The compiler checks them: each is a static assertion behind the header, in one run for each
-- header.
local ctype = require "filemap.ctype"
local Parser = require "filemap.cdef.parser"
local predefined = dofile("script/predefined")
local Sources = require "filemap.cdef.sources"

local headers = {}

-- {-- Sets of headers ------------------------------------------------------------------------------

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
    if not name:find("(", 1, true) then defines[name] = text end
  end
  return defines
end

local linux_folders = { "/usr/include", "/usr/include/x86_64-linux-gnu" }

local function linux_set(name, list)
  return {
    name = name, abi = "linux64", include = linux_folders, list = list, flags = "-D_GNU_SOURCE",
    compilers = { "gcc -m64 -std=gnu17", "g++ -m64 -std=gnu++17" },
  }
end

-- The files under /usr/include of packages, without those of other sets.
local function of_packages(packages)
  local list, seen = {}, {}
  for _, path in ipairs(lines_of("dpkg -L " .. packages
    .. " 2>/dev/null | grep -E '^/usr/include/.*\\.(h|hpp)$'")) do
    if not seen[path] then list[#list + 1] = path end
    seen[path] = true
  end
  return list
end

local sets = {}

function sets.linux()
  return linux_set("linux-libc-dev", of_packages("linux-libc-dev"))
end

function sets.libc()
  return linux_set("C library", lines_of(
    "dpkg -L libc6-dev | grep -E "
      .. "'^/usr/include/([a-z0-9_]+|x86_64-linux-gnu/sys/.*|(arpa|net|netinet)/.*)\\.h$'"))
end

local function mingw(abi, triple)
  local folder = "/usr/" .. triple .. "/include"
  local flags = "-mlong-double-64"
  return {
    name = "mingw-w64 " .. abi, abi = abi, include = { folder },
    list = lines_of("find -L " .. folder .. " -name '*.h'"),
    compilers = { triple .. "-gcc -std=gnu17", triple .. "-g++ -std=gnu++17" }, flags = flags,
    defines = macros_instead(triple .. "-gcc " .. flags, abi), before = "#include <windows.h>\n",
  }
end

function sets.win64() return mingw("win64", "x86_64-w64-mingw32") end
function sets.win32() return mingw("win32", "i686-w64-mingw32") end

--- Headers of the -dev packages that are installed, without those of the other sets.
function sets.others()
  local skip = {}
  for _, path in ipairs(of_packages("linux-libc-dev libc6-dev")) do skip[path] = true end
  local list = {}
  for _, path in ipairs(lines_of("find /usr/include -name '*.h' -not -path '*/c++/*'")) do
    if not skip[path] then list[#list + 1] = path end
  end
  return linux_set("other packages", list)
end

--- A set by its name.
function headers.set(name)
  return assert(sets[name], "there is no set " .. name)()
end

-- {-- Reading --------------------------------------------------------------------------------------

-- A text as filemap.cdef reads it: { file (scope), skipped, sources }, or nil and the error.
local function read(set, text, is_cpp)
  local sources = Sources.new(set.include)
  sources:open(text)
  local well, file = pcall(function()
    local all = {}
    for name, value in pairs(set.defines or {}) do all[name] = value end
    all.__cplusplus = is_cpp and "201703L" or nil
    local parser = Parser.parse(sources, ctype.abi(set.abi), all)
    parser:read_pending()
    return parser
  end)
  if well then return { file = file.file, skipped = file.skipped, sources = sources } end
  if type(file) ~= "table" then return nil, "internal: " .. tostring(file) end
  return nil, sources:describe(file), file
end

-- {-- Assertions -----------------------------------------------------------------------------------

-- The offsets of a record's members by their paths in C. Unnamed types are gone into.
local function offsets(list, record, path, base, depth)
  for _, field in ipairs(record.fields) do
    local type_ = field.type
    if field.name and not field.bits then
      local name = path .. field.name
      list[#list + 1] = { name, base + field.offset }
      local inner, at = type_, name
      while inner.kind == "array" and inner.count > 0 do inner, at = inner.of, at .. "[0]" end
      if inner.fields and not inner.name and depth < 4 then
        offsets(list, inner, at .. ".", base + field.offset, depth + 1)
      end
    elseif not field.name and not field.bits and type_.fields and not type_.name then
      offsets(list, type_, path, base + field.offset, depth + 1)
    end
  end
  return list
end

-- What a type is called in C; nil for one that has no name there.
local function spelling(name, entity, is_cpp)
  if name:find("::", 1, true) then return is_cpp and name or nil end
  return entity.tag and entity.kind .. " " .. name or name
end

-- The assertions about an entity, one line each.
local function assertions(lines, name, entity, is_cpp)
  local type_ = entity.tag and entity.type or not entity.tag and entity.type or nil
  if type_ and type_.tag then type_ = type_.type end
  local c = spelling(name, entity, is_cpp)
  if not type_ or not type_.size or not c then return end
  local n = #lines
  if type_.fields then
    for _, entry in ipairs(offsets({}, type_, "", 0, 0)) do
      lines[#lines + 1] = ("FM_CHECK(__builtin_offsetof(%s, %s) == %d, \"%s.%s\");"):format(c, entry[1],
        entry[2],
        name, entry[1])
    end
  end
  local parts = { ("sizeof(%s) == %d"):format(c, type_.size), ("_Alignof(%s) == %d"):format(c, type_.align) }
  if type_.kind == "array" and type_.size == 0 then parts = {} end
  for _, part in ipairs(parts) do
    local check = is_cpp and part:gsub("_Alignof", "__alignof__") or part
    lines[#lines + 1] = ("FM_CHECK(%s, \"%s: %s\");"):format(check, name, part)
  end
  return #lines - n
end

-- Members that are also macros, as si_pid of <signal.h>, by their own names.
local function without_macros(lines)
  local seen, list = {}, {}
  for _, line in ipairs(lines) do
    for name in (line:match("offsetof%(.-, (.-)%) ==") or ""):gmatch("[%a_][%w_]*") do
      if not seen[name] then list[#list + 1] = "#undef " .. name end
      seen[name] = true
    end
  end
  return table.concat(list, "\n")
end

-- What structs lend to the scopes around them, as C has it and C++ has not.
local function lent_entities(scope, found)
  for entity in pairs(scope.lent) do found[entity] = true end
  for _, entity in pairs(scope.names) do
    if entity.scope and entity.scope.kind == "namespace" then lent_entities(entity.scope, found) end
  end
  return found
end

local function probe(result, is_cpp, seen)
  local lent = lent_entities(result.file, {})
  local lines, count, keys = {}, 0, {}
  result.file:each(function(name, entity)
    local there = name:find("::", 1, true) or result.file.names[name] == entity
      or result.file.tags[name] == entity
    if there and (entity.value == nil and not entity.scope or entity.tag) then
      if not (is_cpp and lent[entity]) and not entity.ambiguous then
        local from = #lines
        if assertions(lines, name, entity, is_cpp) then
          local key = table.concat(lines, "\n", from + 1)
          if seen[key] or keys[key] then
            for k = #lines, from + 1, -1 do lines[k] = nil end
          else
            keys[key] = true
            count = count + 1
          end
        end
      end
    end
  end)
  return lines, count, keys
end

-- {-- Compiling ------------------------------------------------------------------------------------

local function write_file(path, text)
  local file = assert(io.open(path, "wb"))
  assert(file:write(text))
  file:close()
end

-- Runs a compiler on a file up to a number of errors (0: all). Returns a list of what is wrong, or nil and
-- the first error in the header.
local function run_compiler(set, compiler, path, lines, is_cpp, most)
  local command = "%s -w -fsyntax-only -fmax-errors=%d -fno-diagnostics-show-caret %s %s %s 2>&1"
  local access = is_cpp and "-fno-access-control" or ""
  local pipe = assert(io.popen(command:format(compiler, most, access, set.flags or "", path)))
  local wrong, elsewhere = {}, nil
  for line in pipe:lines() do
    local number, message = line:match("^FM_PROBE:(%d+):%d+: %a*%s?error: (.*)$")
    if number and message:find("not an integer", 1, true) then
      -- What follows from the error before it.
      wrong.follows = true
    elseif number and is_cpp and (message:find("not a member") or message:find("not been declared")) then
      -- A name that C lends to the scope around a struct.
      wrong.lent = true
    elseif number then
      wrong[#wrong + 1] = { line = lines[tonumber(number)], message = message }
    elseif line:find("error:") and not elsewhere then
      elsewhere = line
    end
  end
  pipe:close()
  if elsewhere then return nil, elsewhere end
  return wrong
end

-- Compiles a text and its assertions. Returns a list of what is wrong, or nil and the first error in the
-- header. The first run ends at its first error: behind an error in the header each assertion may be one, and
-- g++ looks for names like each unknown one, which takes minutes.
local function compile(set, compiler, text, lines, is_cpp)
  local path = os.tmpname()
  os.remove(path)
  path = path .. (is_cpp and ".cc" or ".c")
  local checks = table.concat(lines, "\n"):gsub("FM_CHECK", is_cpp and "static_assert" or "_Static_assert")
  write_file(path, text .. "\n" .. without_macros(lines) .. '\n#line 1 "FM_PROBE"\n' .. checks .. "\n")
  local wrong, elsewhere = run_compiler(set, compiler, path, lines, is_cpp, 1)
  if wrong and (wrong[1] or wrong.follows or wrong.lent) then
    wrong, elsewhere = run_compiler(set, compiler, path, lines, is_cpp, 0)
  end
  os.remove(path)
  return wrong, elsewhere
end

-- {-- One header -----------------------------------------------------------------------------------

local function text_of(path) return ('#include "%s"\n'):format(path) end

-- What a set's headers may need before them.
local function texts_of(set, path)
  local text = text_of(path)
  return set.before and { text, set.before .. text } or { text }
end

local function note_skipped(result, parsed)
  for _, entry in ipairs(parsed.skipped) do
    local name = entry.name or entry.tag and entry.tag.name
    if name or not entry.nested then
      table.insert(result.skipped, { name = name, message = parsed.sources:message(entry.problem),
                                     where = parsed.sources:describe(entry.problem) })
    end
  end
  result.whole = #result.skipped == 0
end

-- Reads one text and compares it; returns nil if no compiler takes the text.
local function compare(set, text, compiler, is_cpp, result, seen)
  local parsed, problem = read(set, text, is_cpp)
  local lines, count, keys = {}, 0, nil
  if parsed then lines, count, keys = probe(parsed, is_cpp, seen) end
  local wrong = compile(set, compiler, text, lines, is_cpp)
  if not wrong and result.read then return nil end
  result.error, result.read, result.whole, result.skipped = problem, true, false, {}
  if parsed then note_skipped(result, parsed) end
  if not wrong then return nil end
  for key in pairs(keys or {}) do seen[key] = true end
  result.compiled, result.is_cpp, result.wrong, result.types = true, is_cpp, wrong, count
  return result
end

--- Reads a header and compares it. Returns what came of it: { path, compiled, whole, error, skipped, types,
-- wrong }.
-- @param seen assertions that were checked before, which are not checked again
-- @param only_read does without the compiler
function headers.check(set, path, seen, only_read)
  local result = { path = path, types = 0, wrong = {}, skipped = {}, seconds = 0 }
  for i, compiler in ipairs(set.compilers) do
    for _, text in ipairs(texts_of(set, path)) do
      if only_read then
        local parsed, problem = read(set, text)
        result.error, result.skipped = problem, {}
        if parsed then note_skipped(result, parsed) end
        if result.whole or i == 2 then return result end
      elseif compare(set, text, compiler, i == 2, result, seen) then
        return result
      end
    end
  end
  return result
end

return headers
