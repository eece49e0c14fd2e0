-- The function of lua-term's part in C that busted uses.
return { isatty = function() return false end }
