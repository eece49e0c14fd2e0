-- The completion of the command's words in real shells, as a user types them in a terminal (tmux).
local command = require "spec.support.command"
local filemap = require "filemap"
local lfs = require "lfs"
local support = require "spec.support"
local tmux = require "spec.support.tmux"

support.clean()

local posix = support.only("posix", "shells are POSIX's")

-- A folder with a program `filemap`, which the completions call, and with what the shells need.
local function folder()
  local path = support.tmpname()
  assert(lfs.mkdir(path))
  local file <close> = assert(io.open(path .. "/filemap", "w"))
  file:write("#!/bin/sh\nexec " .. command.line {} .. ' "$@"\n')
  os.execute(("chmod +x %s/filemap && cp completion/_filemap %s"):format(path, path))
  return path, setmetatable({}, { __close = function() os.execute("rm -r " .. path) end })
end

local START = {
  bash = "bash --norc --noprofile -i",
  zsh = "zsh -f -i",
}
local SET_UP = {
  bash = "PS1='$ '; bind 'set bell-style none'; . completion/filemap.bash; PATH=%s:$PATH; clear",
  zsh = "PS1='$ '; fpath=(%s $fpath); autoload -Uz compinit; compinit -D -u; PATH=%s:$PATH; clear",
}

for _, shell in ipairs { "bash", "zsh" } do
  local it = support.having(shell, support.having("tmux", posix))

  describe("the completion in " .. shell, function()
    -- A shell that is ready, in a terminal.
    local function start(path)
      local terminal = tmux.program(120, 24, ("env LC_ALL=C.UTF-8 %s"):format(START[shell]))
      terminal:type(SET_UP[shell]:format(path, path) .. "\n")
      terminal:expect("^%$ *\n\n")
      return terminal
    end

    -- Types the start of a command line and Tab, and waits until it is completed.
    local function completes(terminal, typed, line)
      terminal:type(typed)
      terminal:keys("Tab")
      terminal:expect("%$ " .. line:gsub("%p", "%%%0") .. " *\n")
      terminal:keys("C-u", "C-l")
      terminal:expect("^%$ *\n\n")
    end

    it("completes commands, options, their values, names, files and actions", function()
      local path <const>, _ <close> = folder()
      local section <const>, name = command.section("abc")
      local terminal <close> = start(path)
      completes(terminal, "filemap wat", "filemap watch")
      completes(terminal, "filemap watch x --hea", "filemap watch x --header")
      completes(terminal, "filemap watch x --abi linux6", "filemap watch x --abi linux64")
      completes(terminal, "filemap dict x set a 1 --as bo", "filemap dict x set a 1 --as boolean")
      completes(terminal, "filemap dump " .. name:sub(1, -3), "filemap dump " .. name)
      completes(terminal, "filemap get x y --header spec/layouts/mum",
        "filemap get x y --header spec/layouts/mumble.h")
      completes(terminal, "filemap dict x inc", "filemap dict x incr")
      section:close()
    end)

    it("shows the words that are possible", function()
      local path <const>, _ <close> = folder()
      local terminal <close> = start(path)
      terminal:type("filemap re")
      terminal:keys("Tab", "Tab")
      terminal:expect("receive[^%w].*record[^%w].*replay[^%w]")
    end)

    it("does not run what the name of a section says", function()
      local path <const>, _ <close> = folder()
      local made = path .. "/made"
      local name = ("%s$(echo >%s)`echo >%s`"):format(support.unique(), made, made)
      local map <close> = assert(filemap.create(name, 10))
      local terminal <close> = start(path)
      terminal:type("filemap dump " .. map:name():match("^[%w%-]+"))
      terminal:keys("Tab")
      terminal:expect("dump spec[^\n]*%$\\?%(echo")
      assert.is_nil(lfs.attributes(made))
    end)
  end)
end
