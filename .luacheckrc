std = "lua54"
max_line_length = 110
include_files = { "lua/**/*.lua", "luajit/**/*.lua", "cli/**/*.lua", "bin/filemap", "spec/**/*.lua",
  "examples/**/*.lua", "bench/**/*.lua", "script/*.lua", "*.rockspec", "cli/*.rockspec", ".busted",
  ".luacheckrc" }
files["luajit/**/*.lua"] = { std = "luajit" }
files["spec/luajit/**/*.lua"] = { std = "luajit" } -- programs that LuaJIT runs
files["spec/**/*_spec.lua"] = { std = "+busted" }
files["spec/child/untidy.lua"] = { std = "+busted" } -- specs that another spec runs
