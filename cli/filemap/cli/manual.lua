-- Makes the man page and the completions from the commands' declarations, for script/command-files. Internal
-- to the command.
local parser = require "filemap.cli.parser"

local manual = {}

-- {-- The man page ---------------------------------------------------------------------------------

-- Text for roff (groff_man(7)): backslashes and minus signs are special, and so are a line's first "." and
-- "'".
local function roff(s)
  s = s:gsub("\\", "\\e"):gsub("%-", "\\-"):gsub("…", "...")
  return (s:gsub("^([.'])", "\\&%1"):gsub("\n([.'])", "\n\\&%1"))
end

local function option_words(option)
  local words = {}
  for word in option[1]:gmatch("%-[%w%-]+") do
    local value = option[2] and (" \\fI%s\\fR"):format(option[2]) or ""
    words[#words + 1] = ("\\fB%s\\fR"):format(roff(word)) .. value
  end
  return table.concat(words, ", ")
end

local COUNTS = { ["?"] = "[\\fI%s\\fR]", ["+"] = "\\fI%s\\fR...", [1] = "\\fI%s\\fR" }

local function usage(command)
  local parts = { ("\\fBfilemap %s\\fR"):format(command.name) }
  if command.options then parts[#parts + 1] = "[\\fIoptions\\fR]" end
  for _, argument in ipairs(command.arguments or {}) do
    parts[#parts + 1] = (command.name == "lock" and argument[1] == "line" and "\\-\\- " or "")
      .. COUNTS[argument.count or 1]:format(argument[2])
  end
  return table.concat(parts, " ")
end

local function with_default(declared)
  return declared.default and (" (default: %s)"):format(declared.default) or ""
end

local function add_command(lines, command)
  local function add(s) lines[#lines + 1] = s end
  add(".SS " .. usage(command))
  add(roff(parser.paragraphs(command):gsub("\n\n", "\n.PP\n")):gsub("\n\\&%.PP\n", "\n.PP\n"))
  for _, argument in ipairs(command.arguments or {}) do
    add((".TP\n\\fI%s\\fR\n%s"):format(argument[2], roff(argument[3])))
  end
  for _, option in ipairs(command.options or {}) do
    add((".TP\n%s\n%s"):format(option_words(option), roff(option[3] .. with_default(option))))
  end
  add(".PP\nExamples:")
  for _, example in ipairs(command.examples) do
    add((".TP\n.B %s\n%s"):format(roff(example[1]), roff(example[2])))
  end
end

local TAIL = [[
.SH NAMES
.I NAME
is a section's name, or a path if it begins with
.IR ./ " or " ../ ,
has the form
.IR /.../... ,
or if
.B \-\-file
is given. As a file,
.B \-
is standard input or output.
.SH EXIT STATUS
0 on success, 1 after a failure, 2 for wrong usage.
.B filemap lock
ends with the status of its command.
.SH ENVIRONMENT
.TP
.B NO_COLOR
If it is set and not empty, no colours are used.
.TP
.BR LC_ALL ", " LC_CTYPE ", " LANG
In a locale without UTF\-8 only ASCII is shown.
.SH SEE ALSO
.BR flock (1),
.BR hexdump (1),
.BR shm_overview (7)]]

--- The man page filemap(1).
function manual.page()
  local lines = { ".\\\" Made by script/command-files from the commands' declarations. Do not edit.",
    (".TH FILEMAP 1 \"\" \"%s\" \"User Commands\""):format(parser.version), ".SH NAME",
    "filemap \\- " .. roff(parser.summary), ".SH SYNOPSIS", ".B filemap",
    "\\fICOMMAND\\fR [\\fIoptions\\fR] ...", ".SH COMMANDS" }
  for _, command in ipairs(parser.commands) do add_command(lines, command) end
  lines[#lines + 1] = TAIL
  return table.concat(lines, "\n") .. "\n"
end

-- {-- Completions ----------------------------------------------------------------------------------

-- The words of a command's options.
local function words_of(command)
  local words = { "--help" }
  for _, option in ipairs(command.options or {}) do
    for word in option[1]:gmatch("%-%-?[%w%-]+") do words[#words + 1] = word end
  end
  return words
end

-- Options whose value is a file.
local FILES = "--header|--from"

-- The options of all commands whose value is one of some words: { option, words }, each once.
local function choices()
  local found, seen = {}, {}
  for _, command in ipairs(parser.commands) do
    for _, option in ipairs(command.options or {}) do
      if option.choices and not seen[option[1]] then
        seen[option[1]] = true
        found[#found + 1] = { option[1], table.concat(option.choices, " ") }
      end
    end
  end
  return found
end

-- The names are not passed to compgen, which would expand "$(…)" in them: another user chooses some of them.
local BASH = [=[
# Made by script/command-files from the commands' declarations. Do not edit.
_filemap_words() {
  mapfile -t COMPREPLY < <(compgen -W "$1" -- "$word")
}

_filemap_names() {
  local name
  mapfile -t COMPREPLY < <(compgen -f -- "$word")
  while IFS=$'\t' read -r name _; do
    name=${name#Local\\}
    [[ $name == "$word"* ]] && COMPREPLY+=("$name")
  done < <(filemap list 2>/dev/null)
}

_filemap() {
  local word=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD - 1]} options
  if [ "$COMP_CWORD" -eq 1 ]; then
    _filemap_words "%s --help --version"
    return
  fi
  case $before in
    %s) mapfile -t COMPREPLY < <(compgen -f -- "$word"); return ;;
%s  esac
  case ${COMP_WORDS[1]}:$COMP_CWORD in
%s  esac
  case ${COMP_WORDS[1]} in
%s  esac
  if [[ $word == -* ]]; then _filemap_words "$options"; else _filemap_names; fi
}
complete -o filenames -F _filemap filemap
]=]

--- The completion for bash.
function manual.bash()
  local names, cases, values, words = {}, {}, {}, {}
  for i, command in ipairs(parser.commands) do
    names[i] = command.name
    cases[i] = ("    %s) options='%s' ;;\n"):format(command.name, table.concat(words_of(command), " "))
    for n, argument in ipairs(command.arguments or {}) do
      local list = argument.choices and table.concat(argument.choices, " ")
      local case = list and ("    %s:%d) _filemap_words '%s'; return ;;\n"):format(command.name, n + 1, list)
      words[#words + 1] = case
    end
  end
  for i, choice in ipairs(choices()) do
    values[i] = ("    %s) _filemap_words '%s'; return ;;\n"):format(choice[1], choice[2])
  end
  return BASH:format(table.concat(names, " "), FILES, table.concat(values), table.concat(words),
    table.concat(cases))
end

local ZSH = [=[
#compdef filemap
# Made by script/command-files from the commands' declarations. Do not edit.
_filemap_names() {
  local -a names
  names=(${${(f)"$(filemap list 2>/dev/null | cut -f1)"}#Local\\})
  compadd -a names
  _files
}

_filemap() {
  local -a commands
  commands=(
%s  )
  if (( CURRENT == 2 )); then
    _describe command commands
    return
  fi
  shift words
  (( CURRENT -= 1 ))
  case $words[1] in
%s  esac
}

_filemap "$@"
]=]

-- Text between quotes in an option of _arguments.
local function zsh(s)
  return (s:gsub("'", "'\\''"):gsub("([%[%]:])", "\\%1"))
end

local function zsh_option(option)
  local specs = {}
  for word in option[1]:gmatch("%-%-?[%w%-]+") do
    local what = FILES:find(word, 1, true) and "_files"
      or option.choices and "(" .. table.concat(option.choices, " ") .. ")" or ""
    local value = option[2] and (":%s:%s"):format(option[2]:lower(), what) or ""
    specs[#specs + 1] = ("'%s[%s]%s'"):format(word, zsh(option[3]), value)
  end
  return table.concat(specs, " ")
end

-- Arguments that are names or files.
local NAMES = { NAME = true, FROM = true, TO = true, FILE = true }

-- An argument of a command for _arguments: its words, the shell's own completion of a command, or names and
-- files.
local function zsh_argument(command, argument)
  local many = argument.count == "+"
  if command.name == "lock" and many then return "'*::command:_normal'" end
  local what = argument.choices and "(" .. table.concat(argument.choices, " ") .. ")"
    or NAMES[argument[2]] and "_filemap_names" or ""
  return ("'%s:%s:%s'"):format(many and "*" or "", argument[2]:lower(), what)
end

--- The completion for zsh.
function manual.zsh()
  local names, cases = {}, {}
  for i, command in ipairs(parser.commands) do
    names[i] = ("    '%s:%s'\n"):format(command.name, zsh(command.summary))
    local specs = { "'--help[show the help]'" }
    for _, option in ipairs(command.options or {}) do specs[#specs + 1] = zsh_option(option) end
    for _, argument in ipairs(command.arguments or {}) do
      specs[#specs + 1] = zsh_argument(command, argument)
    end
    cases[i] = ("    %s) _arguments %s ;;\n"):format(command.name, table.concat(specs, " \\\n      "))
  end
  return ZSH:format(table.concat(names), table.concat(cases))
end

return manual
