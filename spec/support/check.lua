-- Checks of messages and results that several specs use.
local assert = require "luassert"

local check = {}

-- Calls a method ("sub"), or a function of a table (".create"), in generated code, since Lua takes the names
-- in its messages from the calling code. The call must raise an error. Returns its message.
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

-- Checks that a call returned the four results of a failure, with one of these codes and a message that
-- starts with the subject.
function check.fails(codes, subject, ...)
  local result, message, word, native = ...
  assert.are.equal(4, select("#", ...))
  assert.is_nil(result)
  assert.are.equal(subject .. ": ", message:sub(1, #subject + 2))
  assert.is_truthy((" " .. codes .. " "):find(" " .. word .. " ", 1, true),
    ("%s is not %s"):format(word, codes))
  assert.is_true(native == nil or math.type(native) == "integer")
end

return check
