"""What runs in a Lua state before the file of the user: the names of the API, the message, and a limit for loops."""

STEP = 100_000  # instructions between two looks at the limit
MOST = 20_000_000  # instructions of one lua_exec(), some 200 ms: a loop without end holds up a worker no longer

# Given: answer(depth, name, ...) -> whether it could, and the value or the error; the names of the API.
# Gives: load(path, text), call(name, ...) and nested(name, ...), the function that takes the hook away.
TEXT = f"""
local answer, names = ...
local STEP, MOST = {STEP}, {MOST}
local error, rawequal, select, tostring, type = error, rawequal, select, tostring, type
local create, resume, sethook = coroutine.create, coroutine.resume, debug.sethook
local loaded = loadstring or load
local used, depth = 0, 0
local message = {{}}
python = nil  -- the bridge itself is not for scripts

-- An error is raised in the line of the script that called us, hence in two steps: a tail call has no line.
local function named(name)
  return function(...)
    local done, value
    if rawequal((...), message) then
      done, value = answer(depth, name, select(2, ...))
    else
      done, value = answer(depth, name, ...)
    end
    if not done then error(value, 2) end
    return value
  end
end

local api = {{}}
for name in names:gmatch("%S+") do
  api[name] = named(name)
  _G[name] = api[name]
end

-- msg:getHeader("x") is getHeader(msg, "x"); any other name is a function of the script: msg:t_relay().
local function script_function(name)
  return function(_, ...)
    local done, value = answer(depth, "moduleFunc", name, ...)
    if not done then error(value, 2) end
    return value
  end
end
setmetatable(message, {{
  __index = function(_, name)
    return api[name] or script_function(name)
  end,
  __newindex = function(_, name)
    error("a message has no field " .. tostring(name) .. " to assign: pseudoVarSet(msg, variable, value)", 2)
  end,
  __tostring = function() return "message" end,
  __metatable = false,
}})

-- Once the limit is reached every instruction fails, so that no pcall() of the script gets around it.
local function tick()
  used = used + STEP
  if used >= MOST then
    sethook(tick, "", 1)
    error("it has run for " .. MOST .. " instructions", 0)
  end
end

-- A coroutine has a hook of its own.
function coroutine.create(body)
  local made = create(body)
  sethook(made, tick, "", STEP)
  return made
end

local function left(...)
  depth = depth - 1
  if used >= MOST then sethook(tick, "", 1) end
  return ...
end

function coroutine.resume(...)
  depth = depth + 1
  return left(resume(...))
end

local function continued(done, ...)
  if not done then error((...), 0) end
  return ...
end

function coroutine.wrap(body)
  local made = coroutine.create(body)
  return function(...) return continued(coroutine.resume(made, ...)) end
end

function os.exit()
  error("os.exit() would end the worker: return 0 ends the script", 2)
end

local function limited(...)
  sethook()
  return ...
end

local function call(f, ...)
  used, depth = 0, 0
  sethook(tick, "", STEP)
  return limited(f(...))
end

local function found(name)
  local f = _G[name]
  if type(f) ~= "function" then error("there is no function " .. name .. "()", 0) end
  return f
end

return function(path, text, folder)
  package.path = folder .. "/?.lua;" .. folder .. "/?/init.lua;" .. package.path
  local chunk, wrong = loaded(text, "@" .. path)
  if not chunk then error(wrong, 0) end
  call(chunk)
end, function(name, ...)
  return call(found(name), message, ...)
end, function(name, ...)
  return found(name)(message, ...)
end, sethook
"""
