-- Headers of a system, read by filemap.cdef and by its compiler: every type's size, alignment and offsets are
-- compared.
--
-- Each header is read in a process of its own, which fork(2) makes where the header's text begins: what most
-- headers of a set need in front of them, <windows.h>, is read once for all. Several such processes run at a
-- time.
local check = require "spec.support.header_check"
local ctype = require "filemap.ctype"
local each = require "filemap.cdef.listing"
local Parser = require "filemap.cdef.parser"
local process = require "process"
local Sources = require "filemap.cdef.sources"

local headers = {}

-- The name of the include in whose place each process has its own header.
local MARK = "the header"

-- {-- Results --------------------------------------------------------------------------------------

-- A table of tables, strings, numbers and booleans as Lua source.
local function serialized(value)
  if type(value) ~= "table" then return ("%q"):format(value) end
  local parts = {}
  for key, inner in pairs(value) do parts[#parts + 1] = ("[%q]=%s"):format(key, serialized(inner)) end
  return "{" .. table.concat(parts, ",") .. "}"
end

local function write_result(path, result)
  local file <close> = assert(io.open(path, "wb"))
  assert(file:write("return ", serialized(result)))
end

local function take_result(job)
  process.reap(job.child)
  local read = loadfile(job.answer)
  os.remove(job.answer)
  if read then return read() end
  return { error = "internal: the process of the header ended", skipped = {}, wrong = {}, keys = {} }
end

local function skipped_list(parser, sources)
  local list = {}
  for _, entry in ipairs(parser.skipped) do
    local name = entry.name or entry.tag and entry.tag.name
    if name or not entry.nested then
      list[#list + 1] = { name = name, message = sources:message(entry.problem),
        where = sources:describe(entry.problem) }
    end
  end
  return list
end

-- {-- One header, in its process -------------------------------------------------------------------

-- The folders in which a header's own includes are: a package's folder, or one such as mingw-w64's ddk/.
local function folders_of(set, path)
  local first = set.include[1]
  local below = set.own_folders and path and path:match("^/([^/]+)/", #first + 1)
  local own = below and first .. "/" .. below
  if not own or own == set.include[2] then return set.include, "" end
  return table.move(set.include, 1, #set.include, 2, { own }), "-I" .. own
end

local function text_of(path) return path and ('#include "%s"\n'):format(path) or "" end

-- The rest of a header's process, once the parser read all or raised: compares, and leaves the result.
local function conclude(run, parser, well, problem)
  local result = { path = run.path, whole = false, skipped = {}, wrong = {}, keys = {} }
  local lines = {}
  if well then
    parser:read_pending()
    result.skipped = skipped_list(parser, parser.sources)
    result.whole = not result.skipped[1]
    lines, result.keys = check.assertions(parser.file, run.stage.is_cpp, run.known, run.seen)
  else
    result.error = type(problem) == "table" and parser.sources:describe(problem)
      or "internal: " .. tostring(problem)
  end
  local wrong, rejected = check.compile(run, text_of(run.path), lines)
  result.compiled, result.wrong, result.rejected = wrong ~= nil, wrong or {}, rejected
  write_result(run.answer, result)
  os.exit(0)
end

-- {-- All headers of a list ------------------------------------------------------------------------

-- The type of each name that is known before the headers.
local function known_types(parser)
  local known = {}
  each(parser.file, function(_, entity) known[entity] = check.type_of(entity) or nil end)
  return known
end

-- Runs a process for each header: in those it returns the header's text, here it raises when all are done.
local function run_jobs(run, parser)
  parser:read_pending()
  local known, jobs, next_index, list = known_types(parser), {}, 1, run.list
  while next_index <= #list or jobs[1] do
    if next_index <= #list and #jobs < run.parallel then
      local path, answer = list[next_index], os.tmpname()
      io.stdout:flush()
      local child = process.fork()
      if child == 0 then
        -- A short process needs no collector, which would touch all memory.
        collectgarbage("stop")
        run.path, run.answer, run.known = path or nil, answer, path and known or {}
        parser.sources.include, run.folder = folders_of(run.set, path)
        return text_of(path), MARK
      end
      jobs[#jobs + 1] = { child = child, answer = answer, path = path }
      next_index = next_index + 1
    else
      local job = table.remove(jobs, 1)
      local result = take_result(job)
      result.path = job.path
      run.done(result)
    end
  end
  error({ at = 1, message = "all is done", fatal = true, done = true }, 0)
end

local function new_parser(run)
  local set, defines = run.set, {}
  for name, value in pairs(set.defines or {}) do defines[name] = value end
  defines.__cplusplus = run.stage.is_cpp and "201703L" or nil
  local sources = Sources.new(set.include)
  sources:open(run.stage.before .. text_of(MARK))
  local parser = Parser.new(sources, ctype.abi(set.abi), defines)
  function sources:find(name, ...)
    if name == MARK then return run_jobs(run, parser) end
    return Sources.find(self, name, ...)
  end
  return parser
end

-- Reads and compares the headers of a list in one way.
local function run_stage(run)
  check.prepare(run)
  local parser = new_parser(run)
  local well, problem = pcall(parser.read, parser)
  if run.answer then conclude(run, parser, well, problem) end
  check.clean(run)
  if not (type(problem) == "table" and problem.done) then
    error(type(problem) == "table" and parser.sources:describe(problem) or problem, 0)
  end
end

-- The ways in which a set's headers are tried: as C, as C++, each behind the texts that may come before them.
local function stages_of(set)
  local stages = {}
  for _, compiler in ipairs(set.compilers) do
    for _, before in ipairs(compiler.before) do
      stages[#stages + 1] = { command = compiler.command, is_cpp = compiler.is_cpp, before = before }
    end
  end
  return stages
end

--- Reads headers and compares them: calls done(result) for each, in the first way in which a compiler accepts
-- the header. A result is { path (false for what comes before the headers), compiled, whole, error, skipped,
-- types, wrong, rejected (what the first compiler says) }.
-- @param list paths of headers
-- @param parallel number of processes
function headers.check(set, list, parallel, done)
  local seen, first = {}, {}
  for _, stage in ipairs(stages_of(set)) do
    local rest = {}
    local run = { set = set, stage = stage, seen = seen, parallel = parallel, list = list }
    if stage.before ~= "" then run.list = table.move(list, 1, #list, 2, { false }) end
    function run.done(result)
      result.types = 0
      for _, key in ipairs(result.compiled and result.keys or {}) do
        result.types = result.types + (seen[key] and 0 or 1)
        seen[key] = true
      end
      local path = result.path
      if result.compiled or not path then return done(result) end
      rest[#rest + 1] = path
      local before = first[path]
      if not before or result.whole and not before.whole then first[path] = result end
      if before then first[path].rejected = before.rejected end
    end
    if list[1] then run_stage(run) end
    list = rest
  end
  for _, path in ipairs(list) do done(first[path]) end
end

return headers
