-- The dial plan of dialplan.cfg.

local gateways = { "127.0.0.1:5070", "127.0.0.1:5071" }
local barred = { ["900"] = true, ["190"] = true }

-- What is dialled as an international number; false where it is none.
function translate(msg, country)
  local dialled = pseudoVar(msg, "$rU") or ""
  local number = dialled:match("^%+(%d+)$") or dialled:match("^00(%d+)$")
  if not number then
    local national = dialled:match("^0(%d+)$")
    number = national and country .. national
  end
  if not number then
    return nil, "nobody has the number " .. dialled
  end
  AVP_set("number", number)
  AVP_set("country", country)
  pseudoVarSet(msg, "$ru", "sip:+" .. number .. "@" .. gateways[1])
  return true
end

-- Refuses what is barred: 0 ends the script.
function screen(msg)
  local number = tostring(AVP_get("number"))
  local country = tostring(AVP_get("country"))
  if number:sub(1, #country) == country and barred[number:sub(#country + 1, #country + 3)] then
    xlog("NOTICE", getMethod(msg) .. " to barred number +" .. number .. " from " .. getSrcIp(msg))
    msg:send_reply(403, "Barred")
    return 0
  end
  msg:append_hf("X-Number: +" .. number .. "\r\n")
  return 1
end

-- The other gateway, once.
function next_gateway(msg)
  local tried = AVP_get("tried") or 1
  local gateway = gateways[tried + 1]
  if not gateway then
    return false
  end
  AVP_set("tried", tried + 1)
  pseudoVarSet(msg, "$ru", "sip:+" .. AVP_get("number") .. "@" .. gateway)
  return true
end
