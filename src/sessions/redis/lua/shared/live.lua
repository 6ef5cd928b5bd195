--[[
  The outbox lives as long as any event in it: `ms` from now on, or longer if it would anyway.
]]
local function live(outbox, ms)
  local left = redis.call('PTTL', outbox)
  if left < ms then redis.call('PEXPIRE', outbox, ms) end
end
