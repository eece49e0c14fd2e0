-- Runs a chunk and returns its results as one text, which is the same in Lua 5.4 and in LuaJIT if the results
-- are: an integer has no suffix LL, and a float has 14 digits and no ".0", as LuaJIT writes it.
local function show(value)
  local text = tostring(value)
  if type(value) == "cdata" then return (text:gsub("^(%-?%d+)U?LL$", "%1")) end
  if type(value) == "number" and text:find("[.en]") then return ("%.14g"):format(value) end
  return text
end

-- Both versions of Lua load this file.
local function load_in(line, env)
  local luajit_setfenv = rawget(_G, "setfenv")
  if not luajit_setfenv then return assert(load(line, "=line", "t", env)) end
  return luajit_setfenv(assert(loadstring(line, "=line")), env)
end

return function(line, env)
  local words = {}
  local function collect(...)
    for i = 1, select("#", ...) do words[i] = show((select(i, ...))) end
  end
  collect(pcall(load_in(line, env)))
  return table.concat(words, " | ")
end
