-- README.md and the guides in doc/, as a reader uses them: their Lua blocks run in processes of their own and
-- print what they promise, and their links lead somewhere. guides_commands_spec runs their other blocks.
--
-- A block that cannot run by itself is marked ```lua norun. `-->` begins what a line of the block prints; an
-- ellipsis stands for any text, and columns may be apart by any white space. A block that promises nothing
-- may print anything. A hidden comment in the line before a block says more about it:
--   <!-- continues -->  it is the same program as the block before it
--   <!-- beside -->     it runs while the program before it waits in the line `io.read()`
--   <!-- posix -->      it runs on Linux alone, as do the blocks that belong to it; with "continues" it alone
--   <!-- luajit -->     LuaJIT runs it, with the module for LuaJIT
--   <!-- file NAME -->  it is the text of a file, in any language, which the page's programs after it can
--   read
local filemap = require "filemap"
local guide = require "spec.support.guide"
local lfs = require "lfs"
local luajit = require "spec.support.luajit"
local process = require "process"
local promise = require "spec.support.promise"
local support = require "spec.support"

local pages, each_line = guide.pages, guide.each_line

-- Blocks --------------------------------------------------------------------------------------------------

-- The marks in a hidden comment: a set.
local known = { continues = true, beside = true, posix = true, luajit = true }
local function marks_of(page, number, line)
  local marks = {}
  for word in (line:match("^<!%-%-(.*)%-%->$") or ""):gmatch("%a+") do
    assert(known[word], ("%s:%d: unknown mark %q"):format(page, number, word))
    marks[word] = true
  end
  return marks
end

local function add_line(program, line, number)
  for blank = #program.lines + 1, number - 1 do program.lines[blank] = "" end
  program.lines[number] = line
  if line == "io.read()" then program.waits_after = #program.promises end
  program.promises[#program.promises + 1] = promise.of(line)
end

-- Adds a program that a block begins, or finds the one that it continues.
local function begin(programs, page, number, marks)
  local last = programs[#programs]
  if marks.continues or marks.beside then
    assert(last, ("%s:%d: nothing stands before it"):format(page, number))
  end
  if marks.continues then return last.beside[#last.beside] or last end
  local program = { page = page, line = number, lines = {}, promises = {}, beside = {}, posix = marks.posix,
    luajit = marks.luajit }
  table.insert(marks.beside and last.beside or programs, program)
  return program
end

-- The programs of a page, and its files: name -> text. Each program has the page's lines, of which all but
-- its own are empty, so that an error shows the line of the page.
local function programs_of(page)
  local programs, files, program, marks, before, file = {}, {}, nil, {}, nil, nil
  each_line(page, function(line, number, info)
    if not info then file = nil end
    if info ~= "lua" then
      if file then files[file] = files[file] .. line .. "\n" end
      if line == "```lua" then marks = marks_of(page, number, before) end
      file = file or (before or ""):match("^<!%-%- file (%S+) %-%->$")
      if file and not files[file] then files[file] = "" end
      program, before = nil, line
    elseif not (support.windows and marks.continues and marks.posix) then
      program = program or begin(programs, page, number, marks)
      add_line(program, line, number)
    end
  end)
  return programs, files
end

describe("the Lua blocks of", function()
  support.clean()

  local function save(text, extension)
    local path = support.tmpname(extension)
    local file <close> = assert(io.open(path, "wb"))
    file:write(text)
    return path
  end

  -- The program's text, in which the names of the page's files are paths of copies of them.
  local function text_of(program)
    local text = table.concat(program.lines, "\n") .. "\n"
    for name, content in pairs(program.files or {}) do
      local quoted = ('"%s"'):format(name):gsub("%p", "%%%0")
      if text:find(quoted) then
        text = text:gsub(quoted, (("%q"):format(save(content)):gsub("%%", "%%%%")))
      end
    end
    return text
  end

  local function start(program)
    local path = save(text_of(program), ".lua")
    local name = ("%s:%d"):format(program.page, program.line)
    if program.luajit then return luajit.start("-e", "io.stdout:setvbuf('no')", path) end
    return support.own(process.spawn { support.lua, "-e", "io.stdout:setvbuf('no')", path }, name)
  end

  -- Checks that the process ends well, and prints nothing more if it had to print something.
  local function finish(child, promised)
    local line, problem
    repeat
      line, problem = child:read(support.deadline)
      assert(not (line and promised), line and ("it also prints %q"):format(line))
    until not line
    assert.equal("eof", problem)
    child:finish()
  end

  -- Modules of other projects that a page uses need not be installed for this Lua and this processor.
  local function check_modules(program)
    local text = table.concat(program.lines, "\n")
    for _, module in ipairs { "cqueues", "luv", "socket" } do
      if text:find('require "' .. module, 1, true) and not pcall(require, module) then
        pending(module .. " is not installed")
      end
    end
  end

  local function run(program)
    check_modules(program)
    local child = start(program)
    local before = program.waits_after or #program.promises
    for i = 1, before do child:expect(promise.pattern(program.promises[i])) end
    for _, other in ipairs(program.beside) do run(other) end
    child:close_input()
    for i = before + 1, #program.promises do child:expect(promise.pattern(program.promises[i])) end
    finish(child, #program.promises > 0)
  end

  local seen = 0
  for _, page in ipairs(pages) do
    describe(page, function()
      local programs, files = programs_of(page)
      for _, program in ipairs(programs) do
        seen, program.files = seen + 1, files
        local test = program.posix and support.only("posix", "the block is marked so")
          or program.luajit and luajit.it or it
        test(("run: line %d"):format(program.line), function() run(program) end)
      end
    end)
  end

  it("all pages are found", function() assert.is_true(seen >= 15) end)
end)

-- Links ---------------------------------------------------------------------------------------------------

-- The anchors of a page's headings, as GitHub makes them: a set.
local function anchors_of(page)
  local anchors, count = {}, {}
  each_line(page, function(line, _, info)
    local heading = not info and line:match("^#+%s+(.-)%s*$")
    if not heading then return end
    heading = heading:gsub("%[(.-)%]%(.-%)", "%1"):lower():gsub("[^%w%s_\x80-\xff-]", ""):gsub("%s", "-")
    local same = count[heading]
    count[heading] = (same or 0) + 1
    anchors[same and ("%s-%d"):format(heading, same) or heading] = true
  end)
  return anchors
end

-- The targets of a page's links and pictures: { target, line }.
local function links_of(page)
  local links = {}
  each_line(page, function(line, number, info)
    if info then return end
    local text = line:gsub("`[^`]*`", "")
    for _, form in ipairs { "%]%(([^%s%)]+)%)", '%f[%w]href="([^"]+)"', '%f[%w]src="([^"]+)"' } do
      for target in text:gmatch(form) do links[#links + 1] = { target, number } end
    end
  end)
  return links
end

-- The path of a target that is relative to the page.
local function resolve(page, path)
  local at = page:match("^(.*/)[^/]*$") or ""
  while path:find("^%.%./") do path, at = path:sub(4), at:gsub("[^/]+/$", "") end
  return at .. path
end

describe("the links of", function()
  local seen = 0
  for _, page in ipairs(pages) do
    it(page .. " lead to files and headings that exist", function()
      for _, link in ipairs(links_of(page)) do
        local path, anchor = link[1]:match("^([^#]*)#?(.*)$")
        if not path:find("^%a+:") then
          local target = path == "" and page or resolve(page, path)
          local where = ("%s:%d: %s"):format(page, link[2], link[1])
          assert(lfs.attributes(target, "mode"), where .. " does not exist")
          assert(anchor == "" or anchors_of(target)[anchor], where .. " has no such heading")
          seen = seen + 1
        end
      end
    end)
  end

  it("all pages are found", function() assert.is_true(seen >= 20) end)
end)

-- Blocks that need another program -------------------------------------------------------------------------

-- The text of the block that begins with the comment "-- FILE:".
local function block(page, file) return guide.block(page, ("-- %s:"):format(file)).text end

support.only("posix", "only Linux has System V segments in /proc", function()
  describe("attached.lua of doc/foreign-memory.md", function()
    support.clean()

    -- It attaches a segment of 8192 bytes, which goes with it.
    local attach <const> = [[
import ctypes, os, sys
libc = ctypes.CDLL(None)
libc.shmat.restype = ctypes.c_void_p
segment = libc.shmget(0, 8192, 0o1600)
libc.shmat(segment, None, 0)
libc.shmctl(segment, 0, None)
print(os.getpid(), flush=True)
sys.stdin.read()]]

    local name <const> = "maps a segment that another process has attached"
    if lfs.attributes("/proc/self", "uid") ~= 0 then return pending(name .. " (only root can)") end

    support.having("python3", it)(name, function()
      local other = support.own(process.spawn { "python3", "-c", attach }, "python3")
      local pid = other:expect("^%d+$")
      local path = support.tmpname(".lua")
      local file <close> = assert(io.open(path, "wb"))
      file:write(block("doc/foreign-memory.md", "attached.lua"))
      file:close()
      local reader = support.own(process.spawn { support.lua, path, pid }, "attached.lua")
      reader:expect("^filemap%.map %(/proc/" .. pid .. "/map_files/%x+%-%x+, 8192 bytes, r%)$")
      reader:finish()
      other:finish()
    end)
  end)
end)

-- The same blocks that a reader copies, with wine between the game and a native script.
support.only("win32", "a bridge is a Windows program under wine", function()
  describe("a bridge of doc/windows.md", function()
    support.clean()

    local shell <const>, folder <const> = [[Z:\bin\sh]], [[Z:\dev\shm\]]
    local root = lfs.currentdir():gsub("^%a:", ""):gsub("\\", "/")
    local built = lfs.attributes(shell) and lfs.attributes("build/release/filemap/core.so")

    -- A block of the page as a chunk, with a name that no other run uses.
    local function chunk(file, name)
      return "\n" .. block("doc/windows.md", file):gsub("GameTelemetry", name)
    end

    local function start(file, name)
      return support.own(process.spawn { support.lua, "-e", chunk(file, name) }, file)
    end

    -- Waits until a file has the text at the offset.
    local function await(path, offset, text)
      local deadline = process.now() + support.deadline
      repeat
        local file <close> = io.open(path, "rb")
        if file and file:seek("set", offset) and file:read(#text) == text then return end
      until process.now() > deadline
      error(path .. " never has the text")
    end

    -- (wine can neither wait for a Linux program nor read from it, so the program writes to a file.)
    local function read_natively(name)
      local command = ("LUA_PATH='%s/lua/?.lua' LUA_CPATH='%s/build/release/?.so' lua5.4 -e \"$0\" "
        .. ">/dev/shm/%s.out")
        :format(root, root, name)
      local _ <close> = process.spawn { shell, "-c", command, chunk("reader.lua", name) }
      await(folder .. name .. ".out", 0, "from the game\n")
      assert(os.remove(folder .. name .. ".out"))
    end

    -- Windows removes no file that a process has mapped.
    local function remove(bridge, name)
      bridge:wait(support.deadline)
      assert(os.remove(folder .. name))
    end

    local function bridge_test(name, body)
      if built then it(name, body) else pending(name .. " (needs wine and the native build)") end
    end

    bridge_test("makes the section that the game then uses", function()
      local name = support.unique()
      local bridge = start("section.lua", name)
      bridge:expect("^READY$")
      local map <close>, created = filemap.create_or_open([[Local\]] .. name, 4096)
      assert.is_false(created)
      local view <close> = assert(map:view())
      view:set_cstring(8, "from the game", 64)
      read_natively(name)
      bridge:finish()
      remove(bridge, name)
    end)

    bridge_test("copies the section that the game made", function()
      local name = support.unique()
      local map <close> = assert(filemap.create([[Local\]] .. name, 4096))
      local view <close> = assert(map:view())
      view:set_cstring(8, "from the game", 64)
      local bridge = start("bridge.lua", name)
      await(folder .. name, 8, "from the game")
      read_natively(name)
      bridge:kill()
      remove(bridge, name)
    end)

    bridge_test("is not needed where the descriptors of wine's server show the section", function()
      local name = support.unique()
      local map <close> = assert(filemap.create(name, 4096))
      local commands = guide.block("doc/foreign-memory.md", "ls -l /proc/$(pgrep -n wineserver)").text
      local script = ('[ -n "$(%s)" ] && echo found >/dev/shm/%s.out'):format(commands, name)
      local _ <close> = process.spawn { shell, "-c", script }
      await(folder .. name .. ".out", 0, "found\n")
      assert(os.remove(folder .. name .. ".out"))
      assert.equal(4096, #map)
    end)
  end)
end)
