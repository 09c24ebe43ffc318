/** The small changes that can be made to a TypeScript source: one place, one other meaning each. Does not know which are equivalent. */
import ts from 'typescript';

/** One change: the text from `start` to `end` becomes `replacement`. */
export type Mutation = {
  readonly start: number;
  readonly end: number;
  readonly replacement: string;
  /** Counted from 1. */
  readonly line: number;
  readonly what: string;
};

const SWAPPED: ReadonlyMap<ts.SyntaxKind, string> = new Map([
  [ts.SyntaxKind.LessThanToken, '<='],
  [ts.SyntaxKind.LessThanEqualsToken, '<'],
  [ts.SyntaxKind.GreaterThanToken, '>='],
  [ts.SyntaxKind.GreaterThanEqualsToken, '>'],
  [ts.SyntaxKind.EqualsEqualsEqualsToken, '!=='],
  [ts.SyntaxKind.ExclamationEqualsEqualsToken, '==='],
  [ts.SyntaxKind.EqualsEqualsToken, '!='],
  [ts.SyntaxKind.ExclamationEqualsToken, '=='],
  [ts.SyntaxKind.AmpersandAmpersandToken, '||'],
  [ts.SyntaxKind.BarBarToken, '&&'],
  [ts.SyntaxKind.PlusToken, '-'],
  [ts.SyntaxKind.MinusToken, '+'],
]);

type Change = { readonly node: ts.Node; readonly replacement: string; readonly what: string };

function leaves(statement: ts.Statement): boolean {
  const [only, ...others] = ts.isBlock(statement) ? statement.statements : [statement];
  return (
    only !== undefined && others.length === 0 && (ts.isReturnStatement(only) || ts.isContinueStatement(only))
  );
}

function operatorChanges({ operatorToken }: ts.BinaryExpression): readonly Change[] {
  const [text, other] = [operatorToken.getText(), SWAPPED.get(operatorToken.kind)];
  return other === undefined
    ? []
    : [{ node: operatorToken, replacement: other, what: `${text} becomes ${other}` }];
}

function negation(condition: ts.Expression): Change {
  return { node: condition, replacement: `!(${condition.getText()})`, what: 'the condition is negated' };
}

function ifChanges(node: ts.IfStatement): readonly Change[] {
  const isGuard = node.elseStatement === undefined && leaves(node.thenStatement);
  const negated = negation(node.expression);
  return isGuard ? [negated, { node, replacement: ';', what: 'the guard is gone' }] : [negated];
}

function literalChanges(node: ts.Node): readonly Change[] {
  const text = node.getText();
  if (node.kind === ts.SyntaxKind.TrueKeyword)
    return [{ node, replacement: 'false', what: 'true becomes false' }];
  if (node.kind === ts.SyntaxKind.FalseKeyword)
    return [{ node, replacement: 'true', what: 'false becomes true' }];
  if (!ts.isNumericLiteral(node)) return [];
  return ['+ 1', '- 1'].map((by) => ({
    node,
    replacement: `(${text} ${by})`,
    what: `${text} becomes ${text} ${by}`,
  }));
}

function changesOf(node: ts.Node): readonly Change[] {
  if (ts.isBinaryExpression(node)) return operatorChanges(node);
  if (ts.isIfStatement(node)) return ifChanges(node);
  if (ts.isConditionalExpression(node)) return [negation(node.condition)];
  return literalChanges(node);
}

/** Every mutation of the source, in its order. */
export function mutationsOf(text: string): readonly Mutation[] {
  const file = ts.createSourceFile('source.ts', text, ts.ScriptTarget.Latest, true);
  const found: Mutation[] = [];
  const visit = (node: ts.Node): void => {
    if (ts.isImportDeclaration(node) || ts.isTypeNode(node)) return;
    // The name of a property can only be another name, which is not asked for here.
    if (ts.isNumericLiteral(node) && ts.isPropertyAssignment(node.parent) && node.parent.name === node)
      return;
    for (const change of changesOf(node)) {
      const start = change.node.getStart();
      const { line } = file.getLineAndCharacterOfPosition(start);
      found.push({ ...change, start, end: change.node.getEnd(), line: line + 1 });
    }
    ts.forEachChild(node, visit);
  };
  visit(file);
  return found;
}

/** The source with one mutation in it. */
export function mutated(text: string, { start, end, replacement }: Mutation): string {
  return text.slice(0, start) + replacement + text.slice(end);
}
