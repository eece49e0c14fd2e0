-- filemap dict: a shared dictionary in shell scripts.
local command = require "spec.support.command"
local dict = require "filemap.dict"
local dkjson = require "dkjson"
local process = require "process"
local support = require "spec.support"

support.clean()

describe("filemap dict", function()
  -- A dictionary that this process holds, and its name.
  local function held()
    local name = support.unique()
    return assert(dict.create_or_open(name, { capacity = 65536 })), name
  end

  it("sets and gets values, which keep their type", function()
    local d <close>, name = held()
    for type_, values in pairs { string = { "a b", "12", "" }, integer = { "-5", "9223372036854775807" },
      float = { "0.1", "-2.5e+300" }, boolean = { "true", "false" } } do
      for _, value in ipairs(values) do
        assert.equal("", command.output { "dict", name, "set", "key", "--as", type_, "--", value })
        assert.equal(value .. "\n", command.output { "dict", name, "get", "key" })
        local got = d:get("key")
        assert.equal(type_, math.type(got) or type(got))
      end
    end
    d:set("n", 7)
    local said = command.output { "dict", name, "get", "n", "--json" }
    assert.same({ key = "n", value = 7 }, dkjson.decode(said))
  end)

  it("lists the keys in order", function()
    local d <close>, name = held()
    d:set("b", 2)
    d:set("a", "x")
    d:set("c", true)
    assert.equal("a\tx\nb\t2\nc\ttrue\n", command.output { "dict", name, "list" })
    assert.equal('{"key":"a","value":"x"}\n{"key":"b","value":2}\n{"key":"c","value":true}\n',
      command.output { "dict", name, "list", "--json" })
  end)

  it("prints a key that is not UTF-8 without a loss in JSON", function()
    local d <close>, name = held()
    d:set("k\xff", 1)
    d:set("k\xfe", "\xfe")
    assert.equal('{"key_base64":"a/4=","base64":"/g=="}\n{"key_base64":"a/8=","value":1}\n',
      command.output { "dict", name, "list", "--json" })
  end)

  support.only("posix", "a command line of Windows has no line ends")(
    "lists a key and a value with line ends in one line, as list does a name", function()
    local name = support.unique("Local\\a\nb\t")
    local d <close> = assert(dict.create_or_open(name))
    d:set("k\n1", "v\t2\r\27")
    assert.equal("k\\n1\tv\\t2\\r\\x1b\n", command.output { "dict", name, "list" })
    local said = command.output { "list" }
    assert.is_truthy(said:find("a\\nb\\tspec", 1, true), said)
  end)

  it("deletes keys and adds to numbers", function()
    local d <close>, name = held()
    d:set("n", 40)
    assert.equal("41\n", command.output { "dict", name, "incr", "n" })
    assert.equal("51\n", command.output { "dict", name, "incr", "n", "10" })
    assert.equal("", command.output { "dict", name, "delete", "n" })
    assert.is_nil((d:get("n")))
    for _, action in ipairs { "get", "delete", "incr" } do
      local said, problem, status = command.run { "dict", name, action, "n" }
      assert.same({ "", 1 }, { said, status })
      assert.is_truthy(problem:find("^filemap: [^\n]+\n$"), problem)
    end
  end)

  it("adds integers as Lua does, and none that Lua does not hold", function()
    local d <close>, name = held()
    d:set("n", 12)
    for _, n in ipairs { "9223372036854775808", "0xffffffffffffffff", "-0x8000000000000001", "1x" } do
      local said, problem, status = command.run { "dict", name, "incr", "n", "--", n }
      assert.same({ "", 2 }, { said, status }, problem)
    end
    assert.equal("28\n", command.output { "dict", name, "incr", "n", "0x10" })
    assert.equal("18\n", command.output { "dict", name, "incr", "n", "--", "-10" })
    assert.equal("18.5\n", command.output { "dict", name, "incr", "n", "0.5" })
    d:set("n", math.maxinteger)
    assert.equal("-9223372036854775808\n", command.output { "dict", name, "incr", "n" })
  end)

  it("lets a key expire with --ttl", function()
    local d <close>, name = held()
    command.output { "dict", name, "set", "key", "x", "--ttl", "1000" }
    assert.equal("x", (d:get("key")))
    command.output { "dict", name, "set", "key", "x", "--ttl", "0.001" }
    local deadline = process.now() + support.deadline
    repeat
      local value = d:get("key") -- (which may expire some milliseconds late)
    until value == nil or process.now() > deadline
    assert.is_nil((d:get("key")))
  end)

  it("makes and holds a dictionary with create", function()
    local name = support.unique()
    local holder = command.start { "dict", name, "create", "--capacity", "4K" }
    assert.equal(name, holder:expect())
    command.output { "dict", name, "set", "key", "value" }
    assert.equal("value\n", command.output { "dict", name, "get", "key" })
    holder:kill()
    holder:wait(support.deadline)
    assert.equal(1, select(3, command.run { "dict", name, "get", "key" }))
  end)

  it("has exit status 2 for wrong usage", function()
    local d <close>, name = held()
    for _, words in ipairs { { "gett", "x" }, { "get" }, { "set", "x" }, { "list", "x" }, { "get", "x", "y" },
      { "set", "x", "y", "--as", "integer" }, { "set", "x", "y", "--as", "number" }, {} } do
      local said, problem, status = command.run { "dict", name, table.unpack(words) }
      assert.same({ "", 2 }, { said, status }, problem)
    end
    assert.equal(0, d:info().count)
  end)
end)
