-- What specs of several topics say of messages and results.
local assert = require "luassert"

local check = {}

-- Calls a method ("sub"), or a function of a table (".create"), as a program does, since Lua takes the names
-- in its messages from the calling code. Returns the message of what it raises.
function check.raises(object, name, ...)
  local call = name:find("^%a") and ":" .. name or name
  local code = ("local object = ... local result = object%s(select(2, ...)) return result"):format(call)
  local ok, message = pcall(assert(load(code)), object, ...)
  assert.is_false(ok, name .. " raised nothing")
  return message
end

function check.contains(text, message)
  assert.is_truthy(message:find(text, 1, true), ("%q is not in %q"):format(text, message))
end

-- What a call returned is the four results of a failure, whose code is one of the words, and whose message
-- starts with its subject.
function check.fails(codes, subject, ...)
  local result, message, word, native = ...
  assert.are.equal(4, select("#", ...))
  assert.is_nil(result)
  assert.are.equal(subject .. ": ", message:sub(1, #subject + 2))
  assert.is_truthy((" " .. codes .. " "):find(" " .. word .. " ", 1, true), ("%s is not %s"):format(word, codes))
  assert.is_true(native == nil or math.type(native) == "integer")
end

return check
