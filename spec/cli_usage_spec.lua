-- filemap: help, wrong usage, closed pipes, the man page and the completions.
local command = require "spec.support.command"
local dict = require "filemap.dict"
local filemap = require "filemap"
local manual = require "filemap.cli.manual"
local parser = require "filemap.cli.parser"
local support = require "spec.support"
local sync = require "filemap.sync"

support.clean()

local posix = support.only("posix", "shells and man pages are POSIX's")

describe("the command's help", function()
  it("names every command with its summary", function()
    local said = command.output { "--help" }
    for _, declared in ipairs(parser.commands) do
      local summary = declared.summary:sub(1, 20):gsub("%p", "%%%0")
      assert.is_truthy(said:find("\n   " .. declared.name .. " +" .. summary), said)
    end
  end)

  it("shows each command's options and examples", function()
    for _, declared in ipairs(parser.commands) do
      local said = command.output { declared.name, "--help" }
      assert.is_true(#declared.examples > 0)
      for _, example in ipairs(declared.examples) do
        assert.is_true(#example[1] <= 76, example[1] .. " would be wrapped")
        assert.is_truthy(said:gsub("%s+", " "):find(example[1]:gsub("%s+", " "), 1, true), said)
      end
      for _, option in ipairs(declared.options or {}) do
        assert.is_truthy(said:find(option[1]:match("%-%-[%w%-]+"), 1, true), said)
      end
    end
  end)

  it("shows the version", function()
    assert.equal(filemap._VERSION .. "\n", command.output { "--version" })
  end)
end)

describe("Ctrl-C", function()
  posix("ends a command that has not done its work with status 130", function()
    local name = support.unique()
    local child = command.start { "wait", name, "--create" }
    local event <close> = support.eventually(function() return (sync.event(name, { existing = true })) end)
    command.signal(child, "INT")
    assert.equal(130, child:wait(support.deadline))
    assert.is_nil(event:wait(0))
  end)
end)

describe("an error that is a defect of the command", function()
  posix("is reported with its place, and has exit status 1", function()
    local errors = support.tmpname()
    local chunk = [[package.preload["filemap.cli.command.list"] = function()
      local list = dofile("cli/filemap/cli/command/list.lua")
      list.run = function() error("a defect") end
      return list
    end]]
    local _, _, status = os.execute(("'%s' -e '%s' bin/filemap list 2>%s"):format(support.lua, chunk, errors))
    assert.equal(1, status)
    local said = command.read(errors)
    assert.is_truthy(said:find("^filemap: [^\n]*:%d+: a defect\nstack traceback:\n.*main%.lua:%d+:"), said)
  end)
end)

describe("wrong usage", function()
  local function complaint(...)
    local said, problem, status = command.run { ... }
    assert.same({ "", 2 }, { said, status }, problem)
    assert.is_truthy(problem:find("^filemap: [^\n]+\n$"), problem)
    return problem
  end

  it("has exit status 2 and one line that names the mistake and the nearest right word", function()
    for words, near in pairs {
      ["wach"] = "watch", ["lst"] = "list", ["recieve"] = "receive", ["dump x --ofset 1"] = "--offset",
      ["watch x --heeader y"] = "--header", ["list --jsn"] = "--json", ["help"] = "--help",
    } do
      local list = {}
      for word in words:gmatch("%S+") do list[#list + 1] = word end
      local problem = complaint(table.unpack(list))
      assert.is_truthy(problem:find(("did you mean '%s'?"):format(near), 1, true), problem)
    end
  end)

  it("includes an option before its command", function()
    assert.equal("filemap: unknown option '--json'; the options of a command come after its name "
      .. "(see 'filemap --help')\n", complaint("--json", "list"))
  end)

  it("does not suggest a name for a path", function()
    local _ <close>, name = command.section("abc")
    local _, problem = command.run { "dump", "--file", name }
    assert.is_truthy(problem:find("^filemap: " .. name:gsub("%p", "%%%0") .. ": [^;]+\n$"), problem)
  end)

  it("names what is missing, too much or no number", function()
    assert.is_truthy(complaint():find("command", 1, true))
    assert.is_truthy(complaint("dump"):find("NAME", 1, true))
    assert.is_truthy(complaint("list", "x"):find("too many arguments", 1, true))
    assert.is_truthy(complaint("dump", "x", "--offset", "zz"):find("'zz' is not a size", 1, true))
    assert.is_truthy(complaint("dump", "x", "--offset"):find("--offset", 1, true))
    assert.is_truthy(complaint("record", "x", "y", "--rate", "0"):find("'0' is not a number", 1, true))
    local abi = complaint("watch", "x", "--header", "y", "--type", "z", "--abi", "win16")
    assert.is_truthy(abi:find("win32", 1, true), abi)
    local header = command.file("struct Car { int speed; }; struct Lap { int number; };", ".h")
    local types = complaint("get", "x", "speed", "--header", header)
    assert.is_truthy(types:find(header .. " has Car, Lap", 1, true), types)
    assert.is_truthy(complaint("get", "x", "what"):find("T@OFFSET", 1, true))
    assert.is_truthy(complaint("get", "x", "z9@4"):find("the type is one of", 1, true))
    for _, word in ipairs { "--type", "--abi", "--guard" } do
      local problem = complaint("watch", "x", word, word == "--abi" and "win64" or "even=z")
      assert.is_truthy(problem:find(word .. " needs --header", 1, true), problem)
    end
    assert.is_truthy(complaint("lock", "x"):find("COMMAND", 1, true))
  end)

  it("covers sizes of 0, limits that contradict each other, and modes", function()
    local name = support.unique()
    for _, words in ipairs { { "receive", name, "--capacity", "0" }, { "receive", name, "--max", "0" },
      { "listen", name, "--capacity", "0" }, { "publish", name, "--capacity", "0" },
      { "dict", name, "create", "--capacity", "0" } } do
      assert.is_truthy(complaint(table.unpack(words)):find("'0' is not a size greater than 0", 1, true))
    end
    local problem = complaint("receive", name, "--max", "200", "--capacity", "100")
    assert.is_truthy(problem:find("--max 200", 1, true), problem)
    assert.is_truthy(complaint("create", name, "4K", "--mode", "9"):find("'mode'", 1, true))
  end)

  it("covers guards", function()
    local _ <close>, name = command.section(("\0"):rep(64))
    local header = command.file("struct S { int n; char text[4]; };", ".h")
    for guard, what in pairs { ["odd=n"] = "odd", [""] = "even", ["even=nope"] = "nope", ["first=n"] = "last",
      ["even=text"] = "not an integer", ["even"] = "even" } do
      for _, words in ipairs { { "get", name, "n" }, { "watch", name, "--once" } } do
        for _, word in ipairs { "--header", header, "--type", "S", "--guard", guard } do
          words[#words + 1] = word
        end
        local problem = complaint(table.unpack(words))
        assert.is_truthy(problem:find(what, 1, true), problem)
      end
    end
  end)
end)

describe("a negative number", function()
  it("is a word like others, before and behind options", function()
    local name = support.unique()
    local d <close> = assert(dict.create_or_open(name))
    d:set("ann", 1)
    assert.equal("-4\n", command.output { "dict", name, "incr", "ann", "-5" })
    command.output { "dict", name, "set", "ann", "-12", "--as", "integer" }
    assert.equal(-12, (d:get("ann")))
    command.output { "dict", name, "set", "--as", "float", "--", "ann", "-.5" }
    assert.equal(-0.5, (d:get("ann")))
    command.output { "dict", name, "set", "-1", "-inf" }
    assert.equal("-inf\n", command.output { "dict", name, "get", "-1" })
  end)

  it("is rejected where a number must be positive, and where a word is one of some", function()
    for message, words in pairs { ["'-1' is not a number of seconds"] = { "wait", "x", "--timeout", "-1" },
      ["'-1' is not a size"] = { "dump", "x", "--offset", "-1" }, ["ACTION"] = { "dict", "x", "-1" },
      ["unknown option '-5'"] = { "dict", "x", "incr", "y", "-5x" } } do
      local said, problem, status = command.run(words)
      assert.same({ "", 2 }, { said, status })
      assert.is_truthy(problem:find(message, 1, true), problem)
    end
  end)
end)

describe("the command's output", function()
  posix("ends quietly when its reader closes the pipe, with and without SIGPIPE", function()
    local _ <close>, name = command.section(("0123456789abcdef"):rep(20000) .. ("x"):rep(16 * 20000))
    for action, status in pairs { default = 141, ignore = 0 } do
      local path = support.tmpname()
      local line = ("{ env --%s-signal=PIPE %s 2>&1; echo $? >%s; } | head -c 10"):format(action,
        command.line { "copy", name, "-" }, path)
      local pipe <close> = assert(io.popen("{ " .. line .. "; }"))
      local said = pipe:read("a")
      assert.is_nil(said:find("filemap", 1, true), said:sub(-200))
      pipe:close()
      assert.equal(status .. "\n", command.read(path))
    end
  end)

  posix("fails with status 1 when it cannot be written", function()
    local _ <close>, name = command.section("abc")
    local pipe <close> = assert(io.popen(command.line { "dump", name } .. " 2>&1 >/dev/full; echo $?"))
    assert.equal("filemap: standard output: No space left on device\n1\n", pipe:read("a"))
    for _, words in ipairs { { "--help" }, { "list", "--help" }, { "--version" } } do
      local help <close> = assert(io.popen(command.line(words) .. " 2>&1 >/dev/full; echo $?"))
      assert.equal("filemap: standard output: No space left on device\n1\n", help:read("a"))
    end
  end)
end)

describe("the man page and the completions", function()
  it("are made from the commands' declarations", function()
    local files = { page = "doc/filemap.1", bash = "completion/filemap.bash", zsh = "completion/_filemap" }
    for make, path in pairs(files) do
      local made = command.read(path):gsub("\r\n", "\n")
      assert.is_true(manual[make]() == made, path .. " is not up to date: run script/command-files")
    end
  end)
end)
