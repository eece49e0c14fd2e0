-- filemap dict
local clock = require "filemap.cli.clock"
local common = require "filemap.cli.common"
local dict = require "filemap.dict"
local fail = require "filemap.cli.fail"
local interrupt = require "filemap.cli.interrupt"
local json = require "filemap.cli.json"
local number = require "filemap.cli.number"
local out = require "filemap.cli.out"
local source = require "filemap.cli.source"
local text = require "filemap.cli.text"

local command = {
  name = "dict", summary = "read and change a shared dictionary",
  description = {
    "ACTION is: get KEY, set KEY VALUE, delete KEY, incr KEY [N], list, or create. 'create' makes the "
    .. "dictionary and holds it until Ctrl-C.",
    "VALUE is text, or with --as an integer, a float or a boolean. 'get' and 'delete' of an absent key fail "
    .. "with status 1.",
  },
  arguments = {
    { "name", "NAME", "the dictionary's name" },
    { "action", "ACTION", "what to do", choices = { "get", "set", "delete", "incr", "list", "create" } },
    { "key", "KEY", "a key of 1 to 255 bytes", count = "?" },
    { "value", "VALUE", "its new value, or the number to add", count = "?" },
  },
  options = {
    { "--as", "TYPE", "the type of VALUE", choices = { "string", "integer", "float", "boolean" },
      default = "string" },
    { "--ttl", "S", "the key is deleted after this many seconds", convert = number.positive },
    { "--capacity", "N", "with create: bytes for keys and values (default: those of a dictionary that "
      .. "exists, else 1M)", convert = number.capacity },
    common.json,
  },
  examples = {
    { "filemap dict Scores create &", "holds a dictionary in the background" },
    { "filemap dict Scores set ann 12 --as integer", "sets a key" },
    { "filemap dict Scores list --json", "prints {\"key\":…,\"value\":…} for each" },
  },
}

local READ = {
  string = function(s) return s end,
  integer = function(s) return number.integer(s) end,
  float = number.float,
  boolean = function(s)
    if s == "true" or s == "false" then return s == "true" end
  end,
}

local function shown(value)
  return type(value) == "number" and number.text(value) or tostring(value)
end

local function print_entry(args, key, value)
  if args.json then
    local pair = type(value) == "string" and json.message("value", value) or { "value", value }
    out.object { json.message("key", key, "key_base64"), pair }
  elseif args.action == "list" then out.line(text.line(key) .. "\t" .. text.line(shown(value)))
  else out.line(shown(value)) end
end

local function absent(args)
  fail(("%s: has no key '%s'"):format(args.name, args.key))
end

local actions = {}

function actions.get(d, args)
  local value, version, code = d:get(args.key)
  if code then fail(version) end
  if value == nil then absent(args) end
  print_entry(args, args.key, value)
end

function actions.set(d, args)
  local value = READ[args.as](args.value)
  if value == nil then fail.usage(("'%s' is not a valid %s"):format(args.value, args.as)) end
  fail.unless(d:set(args.key, value, { ttl = args.ttl }))
end

function actions.delete(d, args)
  if not fail.unless(d:delete(args.key)) then absent(args) end
end

function actions.incr(d, args)
  local n = args.value and number.any(args.value) or not args.value and 1
  if not n then fail.usage(("'%s' is neither an integer of 64 bits nor a float"):format(args.value)) end
  print_entry(args, args.key, fail.unless(d:incr(args.key, n)))
end

function actions.list(d, args)
  local entries = {}
  for key, value in d:pairs() do entries[#entries + 1] = { key, value } end
  table.sort(entries, function(a, b) return a[1] < b[1] end)
  for _, entry in ipairs(entries) do print_entry(args, entry[1], entry[2]) end
end

function actions.create(_, args)
  out.line(args.name)
  out.flush()
  interrupt(clock.sleep_until, math.huge)
end

-- How many words follow the action, at least and at most.
local WORDS = { get = { 1, 1 }, set = { 2, 2 }, delete = { 1, 1 }, incr = { 1, 2 }, list = { 0, 0 },
  create = { 0, 0 } }

function command.run(args)
  local given = (args.key and 1 or 0) + (args.value and 1 or 0)
  local least, most = table.unpack(WORDS[args.action])
  if given < least then
    fail.usage(("dict %s: %s is missing"):format(args.action, given == 0 and "KEY" or "VALUE"))
  end
  if given > most then fail.usage(("dict %s: too many arguments"):format(args.action)) end
  local d, message, code
  if args.action == "create" then
    d, message, code = fail.raised(1, dict.create_or_open, args.name, { capacity = args.capacity })
  else
    d, message, code = fail.raised(1, dict.open, args.name)
  end
  if not d then source.failed(args.name, message, code) end
  fail.raised(1, actions[args.action], d, args)
end

return command
