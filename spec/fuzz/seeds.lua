-- seeds.lua TARGET FOLDER: writes the inputs that libFuzzer starts from. They hold calls as the target's
-- make_call reads them, without and with actions of the hostile process.
local target, folder = arg[1], arg[2]

-- By target: the first bytes, and the calls. In the calls of channels the place of the object is their number
-- modulo 3.
local listen, connect, accept = "\1\0\0", "\2\0\0\0", "\4\1\0\0"
local targets = {
  ring = { "\3\0\0", messages = { "\0\20", "\0\5", "\1\1", "\4", "\0\31", "\1\0", "\1\0", "\5", "\6", "\7" },
    bytes = { "\2\30", "\3\10\1", "\2\31", "\3\31\0", "\6", "\2\7", "\7", "\3\31\0", "\5" } },
  latest = { "\30", values = { "\0\20", "\2", "\0\31", "\2", "\1", "\0\3", "\2" } },
  store = { "\3\40\7", values = { "\0\1\100\0\0", "\0\2\200\1\1\9", "\2\1\200", "\0\1\50\0\0",
    "\3\200\1", "\7\0\1", "\0\9\255\0\0", "\7\1\2\1", "\3\250\2", "\7\3\4\60", "\4", "\2\9\200", "\5", "\6",
    "\0\3\60\0\0", "\7\2\0" } },
  state = { "", new = { "\0\0\100", "\1\1\100", "\6\20", "\10\0", "\13\3\0", "\6\60", "\10\1", "\15",
    "\2\0\100", "\6\1", "\10\0", "\4", "\6\1", "\10\0" },
    planted = { "\3\100\2\1", "\1\1\100", "\2\0\50", "\6\20", "\10\0" } },
  mailslot = { "",
    new = { "\0\0\100\0", "\1\1\100\0", "\7\20\0", "\7\31\2", "\9\0", "\9\0", "\9\2", "\7\3\0", "\15",
      "\0\1\100\0",
      "\13", "\10\0", "\4", "\10\0" },
    planted = { "\3\3\1\20\2\1", "\1\1\0\0", "\0\0\0\0", "\7\20\0" } },
  pipe = { "",
    messages = { listen .. "\0", connect, accept, "\9\20\0\0", "\13\1\0\0", "\10\31\0\2", "\12\1\2\0", "\15",
      "\13\1\0\0", "\7", "\6\0" },
    stream = { listen .. "\1", connect, accept, "\9\31\0\0", "\13\7\0\0", "\13\31\2\0", "\10\60\0\2",
      "\12\1\0\0",
      "\6\0", "\15", "\13\7\0\0" },
    planted = { "\0\1\0\2\1\2\1", listen .. "\0", connect, accept, "\9\20\0\0", "\13\1\0\0" } },
  -- The place is the call's number modulo 3: the calls on place 0 are 6, 9, 12, 15, 18 and 21.
  dict = { "",
    new = { "\1\0\200\0", "\6\1\1\5\6\0\1", "\9\1\0\5\6\250\0\1", "\12\1", "\15\1\1\0\5\6\50",
      "\6\2\1\5\6\0\1", "\2\1\200\0", "\16\1\3\1", "\18", "\21", "\13\1\0\0", "\22", "\20\1", "\12\1",
      "\19" },
    evicts = { "\1\0\60\1", "\6\1\0\5\6\200\7\0\1", "\6\2\0\5\6\200\7\0\1", "\6\3\0\5\6\200\7\0\0\1",
      "\12\1", "\18" },
    planted = { "\3\1\5\100\0\1\2", "\1\0\0\0", "\6\1\1\5\6\0\1", "\12\1", "\18" } },
  sync = { "",
    new = { "\0\0\0\0\0\100", "\1\1\31\5\0\0\100", "\2\2\0\0\1\0\100", "\6\0", "\7\0", "\8\0",
      "\9", "\10\1", "\11", "\13", "\14", "\4", "\6\0", "\9" },
    planted = { "\3\2\5\1\1\2", "\2\2\0\0\1\0\100", "\8\1", "\11" } },
  text = { "", ["local"] = { "\20\3", "\0\0\0\0\0\0", "Local\\näme 🌍" },
    global = { "\200\2", "aabaab", "Global\\aabaaab" },
    verbatim = { "\33\1\0\0\0\0\0\0/\xED\xA0\x80\xF4\x90\x80\x80\xC0\x80\xE2\x82" },
    long = { ("x"):rep(220) } },
}

local function write(name, bytes)
  local file <close> = assert(io.open(folder .. "/" .. name, "wb"))
  file:write(bytes)
end

-- The hostile process's actions are read from the back. With `quiet` it does nothing, with `busy` it
-- sometimes writes.
local quiet, busy = ("\0"):rep(400), ("\1\12\0\65" .. "\200\5\0\64" .. ("\0"):rep(12)):rep(20)

local description = targets[target]
for name, calls in pairs(description) do
  if type(calls) == "table" then
    local bytes = description[1] .. table.concat(calls)
    write(name, bytes .. quiet)
    write(name .. "-again", bytes .. table.concat(calls):rep(3) .. quiet .. quiet)
    write(name .. "-damaged", bytes .. bytes .. busy)
  end
end
