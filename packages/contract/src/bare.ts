/** An object that holds its own keys and no inherited ones: a state or action may be called `constructor`. */
export function bare<Type extends object>(object: Type): Type {
  return Object.assign(Object.create(null), object) as Type
}
