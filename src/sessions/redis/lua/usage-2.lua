--[[
  What the owner has of what may be limited.

  KEYS[1]  uploads of the owner (hash: "r:" id = record)
  KEYS[2]  the owner's charges, by when they are over

  ARGV[1]  now, ms since the epoch

  Returns  {uploads under way, bytes reserved, bytes stored, uploads today}
]]
-- include save.lua
local now = tonumber(ARGV[1])
settleCharges(KEYS[1], KEYS[2], now)
local function counter(name)
  return tonumber(redis.call('HGET', KEYS[1], 'u:' .. name) or 0)
end
local opened = counter('day') >= math.floor(now / 86400000) and counter('opened') or 0
return { counter('open'), counter('reserved'), counter('stored'), counter('opening') + opened }
