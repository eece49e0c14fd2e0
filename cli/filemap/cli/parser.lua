-- The command line, made with argparse from the commands' declarations. Internal to the command.
--
-- A command's file returns a table:
--
--   name, summary          the word on the command line; one line of text
--   description            more text, one string a paragraph (optional)
--   arguments              in order: { field, "NAME", text [, count =, default =, convert =, choices =] }
--   options                { "--word [-w]", "VALUE" or nil for a flag, text
--                            [, default =, convert =, choices =] }
--   examples               { { "filemap …", text } … }
--   run(args)              does it; args has the arguments by field and the options by word, "-" as "_"
--
-- The help, the man page and the completions are all made from these tables.
local argparse = require "argparse"
local fail = require "filemap.cli.fail"
local filemap = require "filemap"
local nearest = require "filemap.cli.nearest"
local number = require "filemap.cli.number"
local out = require "filemap.cli.out"

local parser = {}

--- The commands in the order of the help.
parser.commands = {}
for i, name in ipairs {
  "list", "dump", "watch", "get", "set", "create", "copy", "record", "replay", "send", "receive", "publish",
  "follow", "listen", "connect", "lock", "wait", "dict", "doctor",
} do
  parser.commands[i] = require("filemap.cli.command." .. name)
end

-- argparse takes a negative number for an option. No argument has a zero byte, so one before such a word
-- hides it.
local HIDDEN = "\0"

local function hide(word)
  return word:sub(1, 1) == "-" and number.float(word) and HIDDEN .. word or word
end

-- The `convert` of a declaration, for words that may be hidden.
local function convert(declared)
  return function(word)
    word = word:gsub(HIDDEN, "")
    if declared.convert then return declared.convert(word) end
    return word
  end
end

local function add_argument(to, declared)
  local argument = to:argument(declared[2]):target(declared[1]):description(declared[3])
  if declared.count then argument:args(declared.count) end
  if declared.default then argument:default(declared.default) end
  argument:convert(convert(declared))
  if declared.choices then argument:choices(declared.choices) end
end

local function add_option(to, declared)
  local words = {}
  for word in declared[1]:gmatch("%-[%w%-]+") do words[#words + 1] = word end
  local option = declared[2] and to:option(table.concat(words, " ")):argname(declared[2])
    or to:flag(table.concat(words, " "))
  option:description(declared[3])
  if declared.default then option:default(declared.default) end
  option:convert(convert(declared))
  if declared.choices then option:choices(declared.choices) end
end

--- The examples of a command as text.
function parser.examples(command)
  local lines = { "Examples:" }
  for _, example in ipairs(command.examples) do
    lines[#lines + 1] = "  " .. example[1]
    lines[#lines + 1] = "      " .. example[2]
  end
  return table.concat(lines, "\n")
end

--- One paragraph of text a string.
function parser.paragraphs(command)
  local description = command.description or {}
  return table.concat({ command.summary:gsub("^%l", string.upper) .. ".", table.unpack(description) }, "\n\n")
end

-- Adds a flag that prints a text and ends the command. (argparse's own --help succeeds also if the text
-- cannot be written, and argparse changes an error that an action raises.)
local function add_text(to, flag, description, text)
  to:flag(flag):description(description):action(function()
    local well, problem = pcall(function()
      out.line(text())
      out.flush()
    end)
    if not well and problem.message then out.complain(problem.message) end
    os.exit(well and 0 or problem.status)
  end)
end

local function add_help(to)
  to:add_help(false)
  add_text(to, "-h --help", "Show this help message and exit.", function() return to:get_help() end)
end

local function add_command(to, declared)
  local command = to:command(declared.name):summary(declared.summary):help_max_width(79)
  add_help(command)
  command:description(parser.paragraphs(declared)):epilog(parser.examples(declared)):usage_max_width(79)
  for _, argument in ipairs(declared.arguments or {}) do add_argument(command, argument) end
  for _, option in ipairs(declared.options or {}) do add_option(command, option) end
end

parser.summary = "look into, set, record and connect shared memory by name"
parser.version = filemap._VERSION

local function make()
  local made = argparse("filemap"):description(parser.summary:gsub("^%l", string.upper) .. ".")
    :epilog("'filemap COMMAND --help' describes a command and shows examples."):require_command(true)
    :command_target("command"):help_max_width(79):usage_max_width(79)
  add_help(made)
  add_text(made, "--version", "Show the version and exit.", function() return parser.version end)
  for _, declared in ipairs(parser.commands) do add_command(made, declared) end
  return made
end

-- The words that are allowed in place of an unknown one: those of the given command, or all commands.
local function known(arguments)
  for _, word in ipairs(arguments) do
    for _, command in ipairs(parser.commands) do
      if command.name == word then
        local words = { "--help" }
        for _, option in ipairs(command.options or {}) do
          for option_word in option[1]:gmatch("%-%-[%w%-]+") do words[#words + 1] = option_word end
        end
        return words
      end
    end
  end
  local words = { "--help", "--version" }
  for _, command in ipairs(parser.commands) do words[#words + 1] = command.name end
  return words
end

-- argparse's message in one line, with the nearest right word.
local function explain(message, arguments)
  message = message:gsub(HIDDEN, ""):gsub("\nDid you mean[^\n]*", ""):gsub("%s*\n%s*", " ")
  local wrong = message:match("^unknown %a+ '(.-)'$")
  if not wrong then return message end
  local near = nearest(wrong, known(arguments))
  if near == wrong then return message .. "; the options of a command come after its name" end
  return message .. (near and ("; did you mean '%s'?"):format(near) or "")
end

--- Reads the command line. Returns the command's declaration and its arguments; fails with status 2 for wrong
-- usage.
function parser.parse(arguments)
  local words = {}
  for i, word in ipairs(arguments) do words[i] = hide(word) end
  local well, args = make():pparse(words)
  if not well then fail.usage(explain(tostring(args), arguments)) end
  for _, command in ipairs(parser.commands) do
    if command.name == args.command then return command, args end
  end
end

return parser
